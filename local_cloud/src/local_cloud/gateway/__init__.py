"""HTTP API with routes, authorizers, throttling, CORS and payload format 2.0."""
