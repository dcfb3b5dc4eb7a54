"""Benchmarks of the functions against the lowest possible cost of their work, in the same run."""
