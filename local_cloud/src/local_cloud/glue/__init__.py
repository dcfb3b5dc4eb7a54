"""Glue jobs: the real script in a subprocess, with PySpark if required, and S3 buckets as directories."""
