"""Erasing users, and showing what is held of them."""
