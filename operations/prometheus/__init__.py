"""Metrics for Prometheus: their list, their text format, and the rules of alerts."""
