"""Compaction of the lake. Small objects of a day are merged into few large ones, while readers use the lake."""
