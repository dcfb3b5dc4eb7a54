"""Compaction of the lake: many small objects of a day become few large ones, while readers continue."""
