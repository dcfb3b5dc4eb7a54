"""Imports of CSV files from spreadsheets: other delimiters, decimal commas and encodings."""

import csv
import io

import pytest

from alsolike.runtime.errors import InvalidInput
from operations.ingest import interaction_file
from operations.ingest.csv_format import CsvForm
from operations.ingest.items_file import read_items
from operations.ingest.platforms.converting import format_of
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.imported import load, load_items, load_users, stored_items, write

EXCEL = CsvForm(";", ",", "cp1252")
ITEMS = (
    "ITEM_ID;TITLE;PRICE;ZIP\r\n"
    '"1,5";"Käse; 1,5 kg";8,66;0,5\r\n'
    '0041;"1.234,5";-1.234,50;12345\r\n'
    '7;"7 € für ""Öl""";9;\r\n'
)
"""CSV file of a German Excel, with points between thousands, and with cells that look like numbers but are not."""


@pytest.mark.parametrize("name", ["items.csv", "items.csv.gz"])
def test_items_file_of_excel_is_imported_without_conversion(deployment, tmp_path, name):
    path = write(tmp_path / name, ITEMS, "cp1252")

    summary = load_items(deployment, path, declares=True, form=EXCEL)

    assert summary.inferred["price"] == "number"
    assert stored_items(deployment) == {
        "1,5": {"title": "Käse; 1,5 kg", "price": 8.66, "zip": "0,5"},
        "0041": {"title": "1234.5", "price": -1234.5, "zip": "12345"},
        "7": {"title": '7 € für "Öl"', "price": 9},
    }


def test_products_of_shopify_are_imported_by_their_format(deployment, tmp_path):
    path = tmp_path / "products_export.csv"
    path.write_text("Handle,Title,Variant SKU,Variant Price,Cost\nboots,Boots,B-38,15.00,9\nboots,,B-39,free,9\n")
    shopify = format_of("shopify", "items")

    load_items(deployment, path, declares=True, platform=shopify)
    again = load_items(deployment, path, declares=True, platform=shopify)

    titles = {item_id: properties["title"] for item_id, properties in stored_items(deployment).items()}
    assert titles == {"B-38": "Boots", "B-39": "Boots"}
    assert again.files[0].file == str(tmp_path / "products_export.items.csv")


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [("tab", "utf-8"), ("\t", "utf-16"), ("|", "latin-1"), (";", "utf-8-sig"), (",", "utf-16-le"), (";", "utf-16-be")],
)
def test_delimiters_and_encodings_are_read(deployment, tmp_path, delimiter, encoding):
    form = CsvForm(delimiter, encoding=encoding)
    text = "USER_ID;CITY\n1;Köln\n2;Zürich\n".replace(";", form.delimiter)

    summary = load_users(deployment, write(tmp_path / "users.csv", text, encoding), form=form)

    assert (summary.imported, summary.rejected) == (2, 0)


def test_interactions_of_excel_are_imported_with_normalised_rejects(deployment, tmp_path):
    rows = 'ü1;a;1600000000;12,50\r\nü2;a;bald;1.012,50\r\nü3;"a\r\nü4;a;1;1;1\r\n'
    path = write(tmp_path / "orders.csv", "KUNDE;ITEM_ID;TIMESTAMP;EVENT_VALUE\r\n" + rows, "cp1252")

    summary = load(deployment, path, event_type="purchase", mapping=["KUNDE=USER_ID"], form=EXCEL)

    assert (summary.imported, summary.rejected) == (1, 3)
    with (tmp_path / "orders.csv.rejected.csv").open(encoding="utf-8", newline="") as file:
        _, *rejected = csv.reader(file)
    assert [[line, *cells] for line, _, *cells in rejected] == [
        ["3", "ü2", "a", "bald", "1012.50"], ["4", "ü3", "a"], ["5", "ü4", "a", "1", "1", "1"],
    ]  # fmt: skip


def test_import_with_another_csv_format_is_a_new_import(deployment, tmp_path):
    path = write(tmp_path / "orders.csv", 'USER_ID,ITEM_ID,TIMESTAMP,EVENT_VALUE\n1,a,1600000000,"2,5"\n')

    first, again, third = (load(deployment, path, form=CsvForm(decimal=mark)) for mark in (".", ",", ","))

    assert (first.imported, first.rejected) == (0, 1)
    assert (again.imported, again.rejected) == (1, 0)
    assert (third.imported, third.imported_before) == (0, 1)


def test_undecodable_characters_reject_only_their_row(deployment, tmp_path):
    path = write(tmp_path / "items.csv", b"ITEM_ID,TITLE\n1,\x81\n2,\x80\n")  # cp1252 has no character 0x81.

    summary = load_items(deployment, path, form=CsvForm(encoding="cp1252"))

    assert summary.imported == 1
    assert summary.files[0].rejected == {"is not CP1252 (see --encoding)": 1}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-be", "utf-8"])
def test_bytes_are_converted_with_any_read_size(encoding, size):
    text = "Käse für 7 €\n" * 9
    file = CsvForm(encoding=encoding).utf8(io.BytesIO(text.encode(encoding)))

    parts = list(iter(lambda: file.read(size), b""))

    assert b"".join(parts).decode() == text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"delimiter": ";;"}, "--delimiter is ';;', expected one character"),
        ({"delimiter": ""}, "--delimiter is '', expected one character"),
        ({"delimiter": "a"}, "--delimiter is 'a', expected one character"),
        ({"delimiter": '"'}, "--delimiter is '\"', expected one character"),
        ({"decimal": ";"}, "--decimal is ';', expected . or ,"),
        ({"encoding": "excel"}, "--encoding is 'excel', expected an encoding such as utf-8"),
        ({"encoding": "base64"}, "--encoding is 'base64', expected an encoding such as utf-8"),
    ],
)
def test_invalid_csv_format_is_refused(fields, message):
    with pytest.raises(InvalidInput) as refused:
        CsvForm(**fields)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("ITEM_ID;PRICE\n1;2,5\n", "--delimiter ';' --decimal ','"),
        ("ITEM_ID\tPRICE\n1\t2\n", "--delimiter (such as tab)"),
        ('ITEM_ID,PRICE\n1,"2,5"\n', "add --decimal ','"),
    ],
)
def test_refused_file_error_names_the_needed_options(deployment, tmp_path, text, options):
    path = write(tmp_path / "items.csv", text)

    with pytest.raises(InvalidInput) as refused:
        load_items(deployment, path)

    assert options in str(refused.value)


def test_commands_accept_the_csv_format(shop, tmp_path):
    items = write(tmp_path / "items.csv", ITEMS, "cp1252")
    orders = write(tmp_path / "orders.csv", "USER_ID;ITEM_ID;TIMESTAMP\nü;1,5;1600000000\n", "cp1252")
    form = ["--delimiter", ";", "--decimal", ",", "--encoding", "cp1252"]

    imported = run_json("import", "items", items, "--env", "shop", *form)
    ordered = run_json("import", "interactions", orders, "--env", "shop", *form)
    assert (imported["imported"], imported["rejected"], ordered["imported"]) == (3, 0, 1)
    assert "price: number" in run("config", "infer", items, *form).stdout


def test_offline_readers_accept_the_csv_format(tmp_path):
    items = write(tmp_path / "items.csv", ITEMS, "cp1252")
    rows = "USER_ID;ITEM_ID;TIMESTAMP\nü;1,5;1600000000\nö;7;1600000001\n"
    orders = write(tmp_path / "orders.csv", rows, "cp1252")

    catalogue = read_items(items, columns={}, form=EXCEL)
    read = interaction_file.read(orders, form=EXCEL)

    assert catalogue.properties["0041"]["price"] == -1234.5
    assert sorted(read.user_ids) == ["ö", "ü"]
