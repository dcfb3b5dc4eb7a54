"""Read-only operator API of the deployment."""
