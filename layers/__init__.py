"""Build of the Lambda layers, and the core package."""
