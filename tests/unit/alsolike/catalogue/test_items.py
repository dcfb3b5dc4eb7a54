"""Columns of the catalogue."""

import pytest

from alsolike.catalogue.items import column_name


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("CATEGORY_L1", "categoryL1"),
        ("PRICE", "price"),
        ("CREATION_TIMESTAMP", "creationTimestamp"),
        ("title", "title"),
    ],
)
def test_column_name_is_converted_to_its_property_name(column, name):
    assert column_name(column) == name
