"""Recommendations for a user or session, computed from the live profile."""
