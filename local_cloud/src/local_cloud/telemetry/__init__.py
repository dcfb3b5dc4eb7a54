"""Log lines and metrics of functions and jobs on their way to CloudWatch."""
