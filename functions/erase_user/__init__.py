"""Erasing a user: stopped at once, purged by a workflow."""
