"""HTTP requests and responses, and log lines of responses."""
