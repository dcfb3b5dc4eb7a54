"""Data that is stored about a user."""
