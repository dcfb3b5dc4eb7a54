"""Recommenders: from the context of a request to ranked items."""
