"""Milliseconds per day, and the assumed maximum difference between clocks."""

DAY_MS = 86_400_000

CLOCK_SKEW_MS = 300_000
"""Maximum difference between the clocks of two servers, by assumption."""
