"""Transfer of log lines and metrics to CloudWatch."""
