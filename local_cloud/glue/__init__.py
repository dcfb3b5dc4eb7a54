"""Glue jobs: the real script in a subprocess, with PySpark where the job asks for it, and S3 as directories."""
