"""ARNs in Amazon Personalize's form."""

from __future__ import annotations


def resource_name(arn: str) -> str:
    """Return the last segment of an ARN, which names the resource.

    Examples
    --------
    >>> resource_name("arn:aws:personalize:eu-west-1:123456789012:filter/price")
    'price'
    """
    return arn.rpartition("/")[2]
