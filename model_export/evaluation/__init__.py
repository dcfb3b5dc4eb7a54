"""Splits, metrics, and the selection of algorithm and settings."""
