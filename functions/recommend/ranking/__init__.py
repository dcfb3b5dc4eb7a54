"""Recommenders, which rank items for a request."""
