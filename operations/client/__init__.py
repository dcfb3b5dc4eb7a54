"""Access to a deployment: names, AWS clients, tokens and its API."""
