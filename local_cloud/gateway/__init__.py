"""The HTTP API front door: routes, JWT authorizers, CORS and the version 2.0 payload."""
