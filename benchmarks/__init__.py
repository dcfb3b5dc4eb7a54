"""Benchmarks of `make bench`. The command `python -m benchmarks` compares processor time with a floor, such as the
fastest known way to do the same work, measured in the same run.
"""
