"""Monitoring: comparison of current data with the champion's training data, and start of trainings."""
