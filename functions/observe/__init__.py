"""The operator's read-only view of the deployment."""
