"""Lambda functions: layers, processes with the Runtime API, and invocations."""
