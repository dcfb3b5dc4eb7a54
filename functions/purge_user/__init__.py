"""The erasure's workflow step: removes a user from every store, a part at each call, until a search finds nothing."""
