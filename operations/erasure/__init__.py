"""Search for a user's data, and its erasure."""
