"""Glue jobs: the real script in a subprocess, with PySpark if necessary, and S3 buckets as directories."""
