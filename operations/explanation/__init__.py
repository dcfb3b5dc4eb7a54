"""Explanations of logged responses."""
