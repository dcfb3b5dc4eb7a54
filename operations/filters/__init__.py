"""Checks of filters on the catalogue."""
