"""Operator API for model versions, trainings and rules."""
