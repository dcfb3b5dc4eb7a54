"""Trending items: decayed counters with their store and reader."""
