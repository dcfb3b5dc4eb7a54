"""Parsers of JSON from clients and of hand-written documents, and descriptions of fields as JSON Schema."""
