"""The Lambda functions, one folder each: handler, service, settings, manifest."""
