"""The HTTP API front door: routes, authorizers, throttling, CORS and the version 2.0 payload."""
