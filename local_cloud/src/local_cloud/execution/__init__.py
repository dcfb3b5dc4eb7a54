"""Lambda functions: layers, processes with the real Runtime API, and invocation."""
