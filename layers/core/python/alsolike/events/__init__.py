"""Interactions: the API's events, the records on the stream, sessions and logins."""
