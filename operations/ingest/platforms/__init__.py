"""Conversion of files from shop platforms and analytics tools to the import's columns."""
