"""Interactions: the API's event, the record on the stream, sessions and logins."""
