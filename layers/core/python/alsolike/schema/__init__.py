"""Parsers of JSON from clients and persons, and their description as JSON Schema."""
