"""Keys of products. Items with the same key are variants of a product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

TITLE = "title"
"""Column whose equal values, with the same leaf category, identify the variants of a product."""

ProductKey: TypeAlias = tuple[str, ...]

_CATEGORY = re.compile("category(L[1-9])?")


def leaf_category(properties: Mapping[str, Any]) -> Any:
    """Return the value of the last column among `categoryL1` to `categoryL9`, else the value of `category`, else None.

    Examples
    --------
    >>> leaf_category({"categoryL1": "fruit", "categoryL2": "pome", "title": "Pear"})
    'pome'
    """
    levels = list(filter(_CATEGORY.fullmatch, properties))
    return properties[max(levels)] if levels else None


def product_key(item_id: str, properties: Mapping[str, Any], *, by: str | None) -> ProductKey:
    """Return the key of an item's product. An item without a value in the column is a separate product.

    Parameters
    ----------
    by
        `items.variants` of the configuration: a column's property name, `TITLE`, or None for no variants.

    Examples
    --------
    >>> product_key("1", {"title": "Pear,  1 lb", "category": "fruit"}, by="title")
    ('title', 'pear, 1 lb', 'fruit')
    >>> product_key("1", {"title": "Pear, 1 lb", "groupId": 7}, by="groupId")
    ('groupId', '7')
    >>> product_key("1", {"title": "Pear, 1 lb"}, by="groupId")
    ('1',)
    """
    value = None if by is None else properties.get(by)
    if by is None or value is None or value == "":
        return (item_id,)
    if by != TITLE:
        return by, str(value)
    return by, " ".join(str(value).lower().split()), str(leaf_category(properties))
