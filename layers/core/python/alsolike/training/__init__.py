"""Datasets, their statistics and references, training runs, drift reports."""
