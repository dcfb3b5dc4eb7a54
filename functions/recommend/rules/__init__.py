"""Merchandising rules, and lists that satisfy them."""
