"""Imports of data files that clients of Amazon Personalize start."""
