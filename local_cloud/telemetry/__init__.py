"""Log lines and metrics of what runs here, on their way to CloudWatch."""
