"""Datasets as arrays: interactions, items, statistics."""
