"""Requests and responses of the HTTP API, and the log line of an answer."""
