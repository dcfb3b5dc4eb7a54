"""Cognito's sign-in: the authorization server of each user pool that has a domain."""
