"""Lambda functions, one folder per function with at least a handler, settings and a manifest."""
