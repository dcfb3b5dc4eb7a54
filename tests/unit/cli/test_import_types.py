"""Column types that an import infers from a file and declares."""

import datetime as dt

import pytest

from alsolike.runtime.errors import InvalidInput
from operations.configuration import yaml_document
from operations.configuration.configuration_versions import ConfigurationStore
from operations.ingest.files import DataFile
from tests.fakes.places import create_bucket
from tests.unit.cli.command_line import run
from tests.unit.cli.imported import load_items, stored_items, write, write_parquet

BOOKS = (
    "ITEM_ID,TITLE,PRICE,IN_STOCK,GENRES,PUBLISHED,SHELF,YEAR,WRITTEN\n"
    "1,Emma,9.50,true,novel|classic,2015-12-23,07,1815,1815-12-23\n"
    "2,A | B,12,False,novel,2020-01-01,12,,2019-01-01\n"
)
TYPES = {"price": "number", "inStock": "boolean", "genres": "list", "published": "timestamp", "year": "number"}


@pytest.fixture
def books(tmp_path):
    return write(tmp_path / "books.csv", BOOKS)


def declared(deployment):
    current = ConfigurationStore(deployment.client("s3"), deployment.names.artefact_bucket).current()
    return {name: kind.value for name, kind in current.configuration().item_columns.items()}


def test_import_declares_column_types_and_stores_typed_values(deployment, books):
    summary = load_items(deployment, books, declares=True)

    assert summary.inferred == declared(deployment) == TYPES
    stored = stored_items(deployment)
    assert stored["1"]["written"] == "1815-12-23"  # The value is before 1970, so the column is not a timestamp.
    assert (stored["1"]["inStock"], stored["2"]["inStock"], stored["1"]["price"]) == (True, False, 9.5)
    assert stored["2"]["published"] == 1_577_836_800


def test_repeated_strings_are_declared_as_categories(deployment, tmp_path):
    rows = "1,Assam,black,7\n2,Darjeeling,black,8\n3,Sencha,green,7\n4,Keemun,green,8\n"
    path = write(tmp_path / "teas.csv", "ITEM_ID,TITLE,KIND,SKU\n" + rows)

    summary = load_items(deployment, path, declares=True)

    assert summary.inferred == declared(deployment) == {"kind": "string", "sku": "string"}


def test_declared_types_and_other_settings_are_kept(deployment, books):
    store = ConfigurationStore(deployment.client("s3"), deployment.names.artefact_bucket)
    document = {
        "format": 1,
        "items": {"columns": {"year": "string"}},
        "filters": {"old": 'INCLUDE ItemID WHERE Items.YEAR = "1815"'},
    }
    store.apply(store.current(), document, text="# mine", by="test", reason="", now_ms=0)

    load_items(deployment, books, declares=True)

    assert declared(deployment) == {**TYPES, "year": "string"}
    assert store.current().configuration().filters == document["filters"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "format: 1\nitems:\n  columns:\n    x: number\n"),
        ("format: 1  # mine", "format: 1  # mine\nitems:\n  columns:\n    x: number\n"),
        (
            "format: 1\nitems:\n  columns:\n    # mine\n    year: string\n",
            "format: 1\nitems:\n  columns:\n    x: number\n    # mine\n    year: string\n",
        ),
        (
            "format: 1\nitems: {columns: {year: string}}  # mine\n",
            "format: 1\nitems:\n  columns:\n    year: string\n    x: number\n",
        ),
    ],
)
def test_declared_columns_are_added_to_the_users_yaml(deployment, tmp_path, before, after):
    store = ConfigurationStore(deployment.client("s3"), deployment.names.artefact_bucket)
    if before:
        document = yaml_document.read(before).value
        limits = {**document, "limits": {"history_length": 90}}
        store.apply(store.current(), limits, text="", by="test", reason="", now_ms=0)
        store.apply(store.current(), document, text=before, by="test", reason="", now_ms=0)

    load_items(deployment, column(tmp_path / "a.csv", "1"), declares=True)

    assert store.version(store.current().version).text == after


def test_csv_rows_are_read_once_for_types_and_once_for_the_import(deployment, books, monkeypatch):
    reads = list[str]()
    chunks = DataFile.chunks

    def counted(file, **options):
        reads.append(file.name)
        return chunks(file, **options)

    monkeypatch.setattr(DataFile, "chunks", counted)

    load_items(deployment, books, declares=True)

    assert reads == [str(books)] * 2


def test_dry_run_declares_nothing(deployment, books):
    summary = load_items(deployment, books, dry_run=True, declares=True)

    assert (summary.inferred, declared(deployment)) == (TYPES, {})


def test_decimal_commas_are_refused_with_their_line(deployment, tmp_path):
    path = write(tmp_path / "books.csv", 'ITEM_ID,PRICE\n1,3\n2,"9,50"\n')

    with pytest.raises(InvalidInput, match=r"PRICE in line 3 is '9,50', expected a number without a comma"):
        load_items(deployment, path, declares=True)


def test_column_with_an_invalid_filter_name_has_a_rename_hint(deployment, tmp_path, capsys):
    path = write(tmp_path / "in.csv", "ITEM_ID,Auf Lager,PRICE\n1,true,3\n")

    load_items(deployment, path, declares=True)
    output = capsys.readouterr().err
    summary = load_items(deployment, path, mapping=["Auf Lager=AUF_LAGER"], declares=True)

    assert "filters cannot name the column 'Auf Lager'. Rename it with `--map 'Auf Lager=AUF_LAGER'`" in output
    assert summary.inferred == {"aufLager": "boolean"}
    assert "filters cannot" not in capsys.readouterr().err


def column(path, *cells, name="X"):
    return write(path, f"ITEM_ID,{name}\n" + "".join(f'{row},"{cell}"\n' for row, cell in enumerate(cells)))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_creation_timestamp_in_seconds_is_a_timestamp(deployment, tmp_path, kind):
    path = tmp_path / f"books.{kind}"
    if kind == "csv":
        column(path, "1500000000", name="CREATION_TIMESTAMP")
    else:
        write_parquet(path, {"ITEM_ID": ["0"], "CREATION_TIMESTAMP": [1_500_000_000]})

    load_items(deployment, path, declares=True)

    assert declared(deployment) == {"creationTimestamp": "timestamp"}


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("TITLE", ("Denim 32|34", "Shirt", "Hat"), None),
        ("TEXT", ("a" * 61 + "|b",), None),
        ("GENRES", ("a|b", "a", "a", "a"), "list"),
        ("PRICE", ("1,299", "899"), None),
        ("RELATED_IDS", ("12,15", "3,7"), None),
        ("ZIP", ("10115",), None),
        ("WIDTH", ("10115",), "number"),
        ("SINCE", ("2024-02-31", "2024-02-01"), None),
    ],
)
def test_ambiguous_column_has_the_expected_type(deployment, tmp_path, name, cells, kind):
    path = column(tmp_path / "books.csv", *cells, name=name)

    summary = load_items(deployment, path, declares=True)

    assert list(summary.inferred.values()) == ([kind] if kind else [])
    assert summary.rejected == 0


def test_leading_zero_in_a_numeric_column_is_rejected(deployment, tmp_path):
    load_items(deployment, column(tmp_path / "a.csv", "10115"), declares=True)
    path = column(tmp_path / "b.csv", "01067", "0.5")

    summary = load_items(deployment, path, declares=True)

    assert (summary.imported, summary.rejected) == (1, 1)


@pytest.mark.parametrize(("other", "values"), [("", [12]), ("red", ["12", "red"])])
def test_column_type_is_inferred_from_all_files(deployment, tmp_path, other, values):
    path = write(tmp_path / "b.csv", f"ITEM_ID,X\n1,{other}\n")

    load_items(deployment, column(tmp_path / "a.csv", "12"), path, declares=True)

    assert [properties["x"] for _, properties in sorted(stored_items(deployment).items()) if properties] == values


def test_parquet_column_types_are_those_of_the_file(deployment, tmp_path):
    columns = {"ITEM_ID": ["1"], "NEW": [True], "TAGS": [["a", "b"]], "PRICE": [1.5], "SINCE": [dt.date(2020, 1, 1)]}

    load_items(deployment, write_parquet(tmp_path / "books.parquet", columns), declares=True)

    assert declared(deployment) == {"new": "boolean", "tags": "list", "price": "number", "since": "timestamp"}


def inferred(path, *arguments):
    result = run("config", "infer", str(path), *arguments)
    assert result.exit_code == 0
    return result.stdout, result.stderr.splitlines()


def test_infer_prints_yaml_undeclared_columns_and_the_creation_date(books):
    printed, notes = inferred(books)

    lines = ["format: 1", "items:", "  columns:", *(f"    {name}: {kind}" for name, kind in TYPES.items())]
    assert printed.splitlines() == lines
    assert [note.partition(".")[0] for note in notes] == [
        "note: not declared: TITLE, SHELF, WRITTEN", "note: PUBLISHED holds dates",
    ]  # fmt: skip
    assert "--map PUBLISHED=CREATION_TIMESTAMP" in notes[1]


def test_infer_reads_objects_on_s3(client, monkeypatch):
    monkeypatch.setattr("operations.client.aws.session_clients", lambda **_: client)
    create_bucket(client("s3"), "shop")
    for number, cell in enumerate(("12", "red")):
        client("s3").put_object(Bucket="shop", Key=f"items/{number}.csv", Body=f"ITEM_ID,X\n1,{cell}\n2,{cell}\n")

    one, both = (inferred(f"s3://shop/items/{name}")[0] for name in ("0.csv", ""))

    assert ("x: number" in one, "x: string" in both) == (True, True)


@pytest.mark.parametrize(
    ("header", "suggested"),
    [
        ("UPDATED,RELEASE_DATE", "RELEASE_DATE=CREATION_TIMESTAMP"),
        ("Stocked,Delivered", "Stocked=CREATION_TIMESTAMP"),
        ("ADDED_AT,PUBLISHED", "ADDED_AT=CREATION_TIMESTAMP"),
        ("LAST_SOLD,EXPIRES_ON", None),
        ("PUBLISHED,CREATION_TIMESTAMP", None),
    ],
)
def test_creation_date_is_suggested_by_type_and_name(tmp_path, header, suggested):
    path = tmp_path / "items.csv"
    path.write_text(f"ITEM_ID,{header}\n1,2020-01-01,2021-05-06\n2,2020-01-02,2022-07-08\n")

    _, notes = inferred(path)
    _, user_types = inferred(path, "--dataset", "users")

    assert [note for note in user_types if "CREATION" in note] == []
    assert [f"--map {suggested}:" in note for note in notes if "CREATION" in note] == ([True] if suggested else [])


def test_import_suggests_a_filter_for_the_stock_column(shop, books):
    def imported(*arguments):
        return run("import", "items", str(books), "--env", "shop", *arguments).stdout

    dry, as_json, printed = imported("--dry-run"), imported("--json"), imported()

    suggestion = "Recommend only items in stock: {"
    assert [suggestion in text for text in (dry, as_json, printed)] == [False, False, True]
    assert "in-stock: INCLUDE ItemID WHERE Items.IN_STOCK = true" in printed


def test_import_repeats_its_notes_until_the_column_is_declared(deployment, books, tmp_path):
    first = load_items(deployment, books, declares=True)
    mapped = load_items(deployment, books, mapping=["PUBLISHED=CREATION_TIMESTAMP"], declares=True)

    assert [note.partition(".")[0] for note in first.notes] == [
        "not declared: TITLE, SHELF, WRITTEN", "PUBLISHED holds dates",
    ]  # fmt: skip
    assert list(first.lines())[1:3] == list(first.notes)
    assert [note.partition(".")[0] for note in mapped.notes] == ["not declared: TITLE, SHELF, WRITTEN"]
