"""Trending items: decayed counters, their store and reader."""
