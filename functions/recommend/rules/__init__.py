"""Merchandising rules, and the lists that fulfil them."""
