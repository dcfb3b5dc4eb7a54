"""Sign-in of Cognito: the authorization server of each user pool that has a domain."""
