"""Operator API for model versions, trainings and previews of rules."""
