"""Names, limits and defaults that code and infrastructure share.

The package imports only the standard library, because the CDK app imports it.
"""
