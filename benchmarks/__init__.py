"""Measures the functions against the least that their work could cost, in the same run."""
