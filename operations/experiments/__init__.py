"""Experiments: planning, configuration and results."""
