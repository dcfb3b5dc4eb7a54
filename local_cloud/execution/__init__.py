"""Lambda functions: their layers, their processes under the real Runtime API, and who invokes them."""
