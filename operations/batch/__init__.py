"""Recommendations for many users."""
