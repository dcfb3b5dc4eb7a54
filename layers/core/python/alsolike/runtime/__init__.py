"""Errors, settings, AWS clients, S3 objects, logs and metrics for every process."""
