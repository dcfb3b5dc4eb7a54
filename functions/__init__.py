"""Lambda functions, one folder per function with handler, service, settings and manifest."""
