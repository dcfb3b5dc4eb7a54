"""Counting what is wanted now: interactions from the stream into the counters of trends."""
