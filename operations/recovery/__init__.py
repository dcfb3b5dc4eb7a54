"""Rebuilds from the lake, and restores to an earlier time."""
