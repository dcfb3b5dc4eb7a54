"""IAM: the permissions that each request needs, and the decision by the policies of the caller's role."""
