"""Requests that clients of Amazon Personalize sign with a key pair (AWS Signature Version 4)."""
