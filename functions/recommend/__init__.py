"""Recommendations for users, sessions and items."""
