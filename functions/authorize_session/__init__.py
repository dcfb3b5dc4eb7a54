"""The authorizer of the routes for browsers: it identifies the session of a request, and issues tokens."""
