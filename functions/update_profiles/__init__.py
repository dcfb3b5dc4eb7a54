"""The fast path: interactions from the stream into live profiles."""
