"""What an operator sees of the deployment: read, never changed."""
