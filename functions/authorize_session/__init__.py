"""Says whose session a browser's request belongs to, before it reaches the routes for browsers."""
