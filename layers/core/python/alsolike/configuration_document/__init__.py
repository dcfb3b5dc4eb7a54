"""The configuration document: parsers, and the reader for functions."""
