"""HTTP APIs and private REST APIs: routes, authorizers, throttling, CORS, events of functions, and access logs."""
