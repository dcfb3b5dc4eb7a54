"""Archiving of the recommendation log to the lake. Unreadable lines are written to quarantine."""
