"""The names of a metadata column: upper case in data files, camelCase as a property."""

from __future__ import annotations


def column_name(name: str) -> str:
    """Return the property name of a data file's column.

    Examples
    --------
    >>> column_name("CATEGORY_L1")
    'categoryL1'
    """
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)


def property_name(name: str) -> str:
    """Return the property name for a name in either spelling.

    Examples
    --------
    >>> property_name("CATEGORY_L1"), property_name("categoryL1")
    ('categoryL1', 'categoryL1')
    """
    return column_name(name) if name.isupper() else name
