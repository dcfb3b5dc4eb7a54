"""Imports of interactions, items and users."""
