"""Parsers of JSON from clients and authors, and its description as JSON Schema."""
