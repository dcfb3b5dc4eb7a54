"""Benchmarks that compare processor time with a floor: the cheapest known way to do the same work, in the same run."""
