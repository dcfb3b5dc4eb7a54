"""Conversion of Amazon Personalize's schemas to columns."""

import json

import pytest

from alsolike.configuration.configuration import ColumnType
from alsolike.configuration_document.document import parse
from alsolike.runtime.errors import InvalidInput
from operations.configuration import yaml_document
from operations.configuration.avro_schema import read_schema
from tests.unit.cli.config.configuring import run

ITEMS = [
    {"name": "ITEM_ID", "type": "string"},
    {"name": "GENRES", "type": ["null", "string"], "categorical": True},
    {"name": "BRAND", "type": ["string", "null"], "categorical": True},
    {"name": "PRICE", "type": ["float", "null"]},
    {"name": "STOCK", "type": "int"},
    {"name": "WEIGHT", "type": "double"},
    {"name": "VIEWS", "type": "long"},
    {"name": "ON_SALE", "type": "boolean"},
    {"name": "DESCRIPTION", "type": ["null", "string"], "textual": True},
    {"name": "CREATION_TIMESTAMP", "type": "long"},
]


def schema(tmp_path, fields, *, name="Items"):
    path = tmp_path / "schema.avsc"
    namespace = "com.amazonaws.personalize.schema"
    document = {"type": "record", "name": name, "namespace": namespace, "fields": fields, "version": "1.0"}
    path.write_text(json.dumps(document))
    return path


def test_schema_fields_become_columns_of_the_configuration(tmp_path):
    result = run("schema", schema(tmp_path, ITEMS), "--dataset", "items", "--list", "GENRES")

    document = {"format": 1, **yaml_document.read(result.stdout).value}
    assert parse(document).item_columns == {
        "genres": ColumnType.LIST,
        "brand": ColumnType.STRING,
        "price": ColumnType.NUMBER,
        "stock": ColumnType.NUMBER,
        "weight": ColumnType.NUMBER,
        "views": ColumnType.NUMBER,
        "onSale": ColumnType.BOOLEAN,
        "description": ColumnType.TEXT,
        "creationTimestamp": ColumnType.TIMESTAMP,
    }
    assert "BRAND: categorical, declared as one text" in result.stderr
    assert "GENRES" not in result.stderr


def test_users_schema_gives_all_columns_except_the_id(tmp_path):
    path = schema(tmp_path, [{"name": "USER_ID", "type": "string"}, {"name": "AGE", "type": "int"}], name="Users")

    assert read_schema(path, dataset="users").columns == {"AGE": ColumnType.NUMBER}


def texts(*names):
    return [{"name": name, "type": "string"} for name in names]


@pytest.mark.parametrize(
    ("fields", "lists", "message"),
    [
        (ITEMS, ["PRICE"], "PRICE has the type float, expected string for a list"),
        (ITEMS, ["TAG"], "has no field TAG; its fields are"),
        (texts("my tags"), [], r'fields\[0\]\.name is "my tags", expected a column'),
        (texts("PRICE", "PRICE"), [], r"fields\[1\] is PRICE again"),
        (texts("GENRE_ID", "genreId"), [], r"fields\[1\] is genreId, the same column as GENRE_ID"),
    ],
)
def test_invalid_field_or_list_is_refused(tmp_path, fields, lists, message):
    with pytest.raises(InvalidInput, match=message):
        read_schema(schema(tmp_path, fields), dataset="items", lists=lists)


def test_schema_that_is_invalid_missing_or_of_another_dataset_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="is the schema of Interactions, expected one of items"):
        read_schema(schema(tmp_path, [], name="Interactions"), dataset="items")
    path = tmp_path / "schema.avsc"
    path.write_text("{")

    with pytest.raises(InvalidInput, match=r"schema\.avsc:1:2: is not JSON"):
        read_schema(path, dataset="items")
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read_schema(tmp_path / "none.avsc", dataset="items")
