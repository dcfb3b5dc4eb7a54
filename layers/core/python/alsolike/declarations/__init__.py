"""Names, limits and defaults that code and infrastructure share.

Only the standard library is imported, because the CDK app imports this package.
"""
