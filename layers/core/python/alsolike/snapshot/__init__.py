"""Catalogue snapshot that serving reads, and items that the model does not contain."""
