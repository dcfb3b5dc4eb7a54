"""Milliseconds per day, the last time, and the assumed maximum difference between clocks."""

DAY_MS = 86_400_000

MAX_TIME_MS = 253_402_300_799_999
"""Last millisecond of the year 9999, the maximum of Python's dates."""

CLOCK_SKEW_MS = 300_000
"""Maximum difference between the clocks of two servers, by assumption."""
