"""Authorizer of the browser routes. It verifies session tokens, and issues tokens for site keys."""
