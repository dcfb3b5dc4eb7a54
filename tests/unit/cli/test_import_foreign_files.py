"""Files of other shops, tools and spreadsheets: column names, times, event types, delimiters and encodings."""

import csv
import io
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration.configuration import Configuration, EventType
from alsolike.runtime.errors import InvalidInput
from operations.ingest import interaction_file
from operations.ingest.column_mapping import parse_mapping, renamed
from operations.ingest.csv_format import CsvForm
from operations.ingest.interaction_checks import check
from operations.ingest.items_file import read_items
from operations.ingest.platforms.converting import format_of
from operations.ingest.timestamps import times_ms
from tests.fakes.places import create_bucket
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.imported import (
    NOW_MS,
    lake_objects,
    lake_rows,
    load,
    load_items,
    load_users,
    stored_items,
    write,
    write_parquet,
)


def test_mapped_columns_are_read_under_their_names_and_rejected_under_theirs(deployment, tmp_path):
    text = "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n1,,view,a,\n"
    mapping = ["visitorid=user_id", "ItemID=ITEM_ID", "event=EVENT_TYPE"]

    load(deployment, write(tmp_path / "p.csv", text), mapping=mapping)

    (row,) = lake_rows(deployment).to_dict("records")
    assert (row["user_id"], row["item_id"], row["event_type"]) == ("257597", "355908", "view")
    assert row["event_time_ms"] == 1_433_221_332_117
    assert row["properties"] == "{}"
    rejected = (tmp_path / "p.csv.rejected.csv").read_text().splitlines()
    assert rejected == ["line,reason,timestamp,visitorid,event,itemid,transactionid", "3,USER_ID is missing,1,,view,a,"]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["visitor"], "visitor is not a pair, expected THEIRS=OURS"),
        (["=USER_ID"], "is not a pair"),
        (["a=USER_ID", "b=user_id"], "--map names USER_ID twice"),
        (["a=USER_ID", "A=ITEM_ID"], "--map names A twice"),
        (["other=USER_ID"], r"--map names OTHER, which p\.csv does not have; its columns are visitor, Item_ID"),
        (["visitor=ITEM_ID"], "the column ITEM_ID more than once"),
    ],
)
def test_invalid_mapping_is_refused(pairs, message):
    with pytest.raises(InvalidInput, match=message):
        renamed(["visitor", "Item_ID"], parse_mapping(pairs), file="p.csv")


SECOND = 1_500_000_000  # 2017-07-14T02:40:00Z
TIMES = [
    ("1970-01-01", 0),
    ("1500000000", SECOND * 1000),
    ("1500000000.5", SECOND * 1000 + 500),
    ("1.5e9", SECOND * 1000),
    ("1500000000123", SECOND * 1000 + 123),
    ("2017-07-14T02:40:00Z", SECOND * 1000),
    ("2017-07-14 02:40:00", SECOND * 1000),
    ("2017-07-14T02:40:00.250Z", SECOND * 1000 + 250),
    ("2017-07-14T04:40:00+02:00", SECOND * 1000),
    ("2017-07-14T02:40", SECOND * 1000),
    ("2017-07-14", (SECOND - 2 * 3600 - 40 * 60) * 1000),
]
NO_TIMES = ["yesterday", "14/07/2017", "2017-13-01", "0x59682F00", "2017-07-14T25:00:00Z", "20170714T024000Z"]


def test_seconds_milliseconds_and_iso_times_are_detected_per_cell():
    column = pa.chunked_array([[text for text, _ in TIMES] + NO_TIMES])

    ms, wrong = times_ms(column)

    assert ms[: len(TIMES)].tolist() == [expected for _, expected in TIMES]
    refused = [bool(sum(where[place] for where in wrong.values())) for place in range(len(column))]
    assert refused == [False] * len(TIMES) + [True] * len(NO_TIMES)


@given(st.lists(st.integers(1, 99_999_999_999_999), min_size=1))
def test_integer_times_are_equal_as_strings_and_numbers(numbers):
    expected = [number if number >= 1e11 else number * 1000 for number in numbers]

    for column in (pa.chunked_array([numbers]), pa.chunked_array([list(map(str, numbers))])):
        ms, wrong = times_ms(column)

        assert ms.tolist() == expected
        assert not any(where.any() for where in wrong.values())


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("us", "Europe/Berlin")])
def test_parquet_timestamps_are_converted_to_milliseconds(kind):
    ms, wrong = times_ms(pa.chunked_array([pa.array([SECOND, None]).cast(pa.timestamp("s")).cast(kind)]))

    assert ms.tolist() == [SECOND * 1000, 0]
    assert {reason: where.tolist() for reason, where in wrong.items()} == {"is missing": [False, True]}


def test_search_needs_a_query_or_item_and_purchase_needs_an_item():
    table = pa.table({
        "USER_ID": ["u"] * 4, "ITEM_ID": [None, None, "i", None], "TIMESTAMP": [1] * 4,
        "EVENT_TYPE": ["search", "search", "search", "purchase"], "QUERY": ["red shoes", None, "shoes", "shoes"],
    })  # fmt: skip

    checked = check(table, default_event_type="view", now_ms=NOW_MS)

    good = checked.good.table()
    assert list(zip(good["item_id"].to_pylist(), good["query"].to_pylist(), strict=True)) == [
        (None, "red shoes"),
        ("i", "shoes"),
    ]
    assert list(zip(checked.bad.tolist(), checked.reasons, strict=True)) == [
        (1, "ITEM_ID and QUERY are missing, expected at least one"),
        (3, "ITEM_ID is missing"),
    ]


def test_searches_with_different_queries_are_different_events():
    table = pa.table(
        {"USER_ID": ["u"] * 3, "TIMESTAMP": [1] * 3, "EVENT_TYPE": ["search"] * 3, "QUERY": ["a", "b", "a"]}
    )

    ids = check(table, default_event_type="view", now_ms=NOW_MS).good.event_ids().to_pylist()

    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize("queries", [[None, None], ["shoes", None], ["", None]])
def test_row_without_query_has_the_same_id_in_every_chunk(queries):
    table = pa.table({"USER_ID": ["u", "v"], "ITEM_ID": ["i"] * 2, "TIMESTAMP": [1] * 2})

    alone, with_queries = (
        check(rows, default_event_type="view", now_ms=NOW_MS).good.event_ids().to_pylist()
        for rows in (table, table.append_column("QUERY", pa.array(queries, pa.string())))
    )

    assert alone[1] == with_queries[1]
    assert (alone[0] == with_queries[0]) is not bool(queries[0])


def test_only_configured_event_types_are_accepted():
    rented = EventType("rent", 2.0, aliases=("hire",))
    table = pa.table(
        {"USER_ID": ["u"] * 3, "ITEM_ID": ["i"] * 3, "TIMESTAMP": [1] * 3, "EVENT_TYPE": ["Hire", "view", None]}
    )

    checked = check(
        table, default_event_type="rent", now_ms=NOW_MS, configuration=Configuration(events={"rent": rented})
    )

    assert checked.good.table()["event_type"].to_pylist() == ["rent", "rent"]
    assert checked.reasons == ("EVENT_TYPE is unknown, expected one of rent",)


def test_ids_with_special_characters_are_unchanged(deployment, tmp_path):
    ids = ["../../etc/passwd", "a/b", "🛒", "ключ", "%2e%2e", "'; DROP TABLE", "a\\b", "#"]
    columns = {"USER_ID": ids, "ITEM_ID": ids, "TIMESTAMP": [1_500_000_000] * len(ids)}

    summary = load(deployment, write_parquet(tmp_path / "p.parquet", columns))

    assert (summary.imported, summary.profiles) == (len(ids), len(ids))
    rows = lake_rows(deployment)
    assert sorted(rows.user_id) == sorted(rows.item_id) == sorted(ids)
    assert [key.rsplit("/", 1)[0] for key in lake_objects(deployment)] == ["interactions/event_date=2017-07-14"]


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


def test_products_with_decimal_commas_need_the_option_decimal(deployment, tmp_path):
    path = write(tmp_path / "products.csv", "ID;Type;Name;Published;Regular price\n1;simple;Socks;1;3,50\n")
    woocommerce = format_of("woocommerce", "items")

    with pytest.raises(InvalidInput, match=r"PRICE in line 2 is '3,50', expected a number .*add --decimal ','"):
        load_items(deployment, path, declares=True, platform=woocommerce, form=CsvForm(";"))
    load_items(deployment, path, declares=True, platform=woocommerce, form=CsvForm(";", ","))

    assert stored_items(deployment)["1"]["price"] == 3.5


def test_order_with_a_decimal_comma_has_the_value_of_all_its_pieces(deployment, tmp_path):
    columns = "Name;Email;Created at;Lineitem quantity;Lineitem price;Lineitem sku"
    path = write(tmp_path / "orders.csv", f"{columns}\n1;a@example.com;2014-05-01 12:00:00 -0400;3;2,50;socks\n")

    load(deployment, path, platform=format_of("shopify-orders", "interactions"), form=CsvForm(";", ","))

    assert lake_rows(deployment).event_value.tolist() == [7.5]


def test_files_of_a_platform_with_one_base_name_are_all_imported(deployment, client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    s3, ga4 = client("s3"), format_of("ga4", "interactions")
    create_bucket(s3, "export")
    for number in range(2):
        event = {"event_name": "view_item", "event_timestamp": f"15000{number}0000000000", "user_id": "ann"}
        body = json.dumps({**event, "items": [{"item_id": f"i{number}"}]})
        s3.put_object(Bucket="export", Key=f"day{number}/events.jsonl", Body=body)

    load(deployment, "s3://export/", platform=ga4)

    assert lake_rows(deployment).item_id.tolist() == ["i0", "i1"]
    for suffix in ("json", "jsonl"):
        write(tmp_path / f"events.{suffix}", body)
    with pytest.raises(InvalidInput, match=r"events\.interactions\.csv is the conversion of several files; rename"):
        load(deployment, tmp_path / "events.json", tmp_path / "events.jsonl", platform=ga4)


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
