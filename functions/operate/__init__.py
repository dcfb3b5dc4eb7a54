"""Operator API for model versions, trainings, rules, session tokens and calls of scheduled functions."""
