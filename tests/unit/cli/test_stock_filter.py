"""Filter for items in stock, suggested by the name and type of a column."""

import dataclasses

import pytest

from alsolike.configuration.columns import column_name
from alsolike.configuration.configuration import DEFAULT, ColumnType
from alsolike.filters import parser
from operations.filters.stock import stock_filter


@pytest.mark.parametrize(
    ("column", "type_", "condition"),
    [
        ("IN_STOCK", "boolean", "INCLUDE ItemID WHERE Items.IN_STOCK = true"),
        ("INSTOCK", "boolean", "INCLUDE ItemID WHERE Items.INSTOCK = true"),
        ("AVAILABLE", "boolean", "INCLUDE ItemID WHERE Items.AVAILABLE = true"),
        ("IS_AVAILABLE", "boolean", "INCLUDE ItemID WHERE Items.IS_AVAILABLE = true"),
        ("SOLD_OUT", "boolean", "EXCLUDE ItemID WHERE Items.SOLD_OUT = true"),
        ("OUT_OF_STOCK", "boolean", "EXCLUDE ItemID WHERE Items.OUT_OF_STOCK = true"),
        ("STOCK", "number", "INCLUDE ItemID WHERE Items.STOCK > 0"),
        ("STOCK_QUANTITY", "number", "INCLUDE ItemID WHERE Items.STOCK_QUANTITY > 0"),
        ("INVENTORY", "number", "INCLUDE ItemID WHERE Items.INVENTORY > 0"),
        ("IN_STOCK", "string", None),
        ("PRICE", "number", None),
        ("LIVESTOCK", "boolean", None),
        ("STOCKING_STUFFER", "boolean", None),
    ],
)
def test_stock_column_is_recognised_by_name_and_type(column, type_, condition):
    columns = {"price": ColumnType.NUMBER, column_name(column): ColumnType(type_)}
    configuration = dataclasses.replace(DEFAULT, item_columns=columns)

    assert stock_filter(configuration) == condition
    if condition:
        (read,) = parser.parse(condition).columns
        assert read.key in columns
        assert stock_filter(dataclasses.replace(configuration, filters={"mine": condition})) is None
