"""IAM: the permissions that each request needs, and decisions by the policies of the caller's role."""
