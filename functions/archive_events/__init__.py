"""Archiving of interactions from the stream to the lake. Unreadable records are written to quarantine."""
