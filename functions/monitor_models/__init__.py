"""Monitoring: comparison of current data with the champion's training data, and retraining after drift."""
