"""Pseudonyms, tombstones and erasures."""
