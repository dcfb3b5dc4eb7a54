"""Requests with a key pair: signed by AWS Signature Version 4, or with HTTP Basic."""
