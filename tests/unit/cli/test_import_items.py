import pyarrow as pa
import pytest

from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import InvalidInput
from operations.ingest import load_metadata
from operations.ingest.items_file import read_items
from tests.builders.world import configure
from tests.unit.cli.imported import (
    load_items,
    load_users,
    rejected,
    stored_items,
    stored_users,
    write,
    write_parquet,
)


def test_columns_become_properties_with_numeric_values(deployment, tmp_path):
    header = "ITEM_ID,TITLE,PRICE,CATEGORY_L1,CREATION_TIMESTAMP,SHELF,GENRES\n"
    path = write(tmp_path / "i.csv", header + "007,Milk,1.20,DAIRY,1500000000,07,a|b\n8,,3,,,12,\n")

    assert load_items(deployment, path).imported == 2
    assert stored_items(deployment) == {
        "007": {
            "title": "Milk", "price": 1.2, "categoryL1": "DAIRY", "creationTimestamp": 1_500_000_000,
            "shelf": "07", "genres": "a|b",
        },
        "8": {"price": 3, "shelf": "12"},
    }  # fmt: skip


def test_invalid_items_are_written_next_to_the_input(deployment, tmp_path):
    text = f"ITEM_ID,TITLE,CREATION_TIMESTAMP\n,x,1\n{'i' * 257},x,1\na,{'t' * 32_001},1\nb,x,soon\nc,x,-1\nd,x,1\n"

    path = write(tmp_path / "i.csv", text)

    assert load_items(deployment, path).rejected == 5
    assert stored_items(deployment) == {"d": {"title": "x", "creationTimestamp": 1.0}}
    assert rejected(path) == [
        (2, "ITEM_ID is missing"),
        (3, "ITEM_ID has more than 256 characters"),
        (4, "metadata has more than 32000 characters"),
        (5, "CREATION_TIMESTAMP is neither a number nor a time like 2024-05-31T12:00:00Z"),
        (6, "CREATION_TIMESTAMP is before 1970"),
    ]


def test_last_row_of_an_id_is_stored(deployment, tmp_path, monkeypatch):
    monkeypatch.setattr(load_metadata, "CHUNK_ROWS", 100)
    rows = "".join(f"{index % 700},v{index // 700}\n" for index in range(1_400))

    summary = load_items(deployment, write(tmp_path / "i.csv", "ITEM_ID,TITLE\n" + rows))

    items = stored_items(deployment)
    assert {properties["title"] for properties in items.values()} == {"v1"}
    assert len(items) == 700
    assert summary.imported == 1_400


def test_file_without_item_ids_is_refused_before_any_write(deployment, tmp_path):
    good = write(tmp_path / "good.csv", "ITEM_ID,TITLE\n1,x\n")

    with pytest.raises(InvalidInput, match=r"bad\.csv misses ITEM_ID; its columns are ID, TITLE"):
        load_items(deployment, good, write(tmp_path / "bad.csv", "ID,TITLE\n1,x\n"))

    assert stored_items(deployment) == {}


@pytest.mark.parametrize(
    ("content", "declared", "guessed", "expected"),
    [
        ("ITEM_ID,TITLE,PRICE,SHELF,CREATION_TIMESTAMP\na,Old,2,1,1\na,Milk,1.20,07,1500000000\nb,,3,12,2017-07-14\n",
         {}, {"TITLE": "text", "PRICE": "number", "SHELF": "text"},
         {"a": {"title": "Milk", "price": 1.2, "shelf": "07", "creationTimestamp": 1_500_000_000},
          "b": {"price": 3, "shelf": "12", "creationTimestamp": 1_499_990_400}}),
        ("ITEM_ID,YEAR,FRESH,CATEGORY_L1\na,1999,1,DAIRY\n", {"year": ColumnType.STRING, "fresh": ColumnType.BOOLEAN},
         {"CATEGORY_L1": "text"}, {"a": {"year": "1999", "fresh": True, "categoryL1": "DAIRY"}}),
        ({"ITEM_ID": ["a"], "YEAR": ["1999"], "PRICE": [2.5], "FRESH": [True], "TAGS": [["red", "blue"]]}, {},
         {}, {"a": {"year": "1999", "price": 2.5, "fresh": True, "tags": "red|blue"}}),
    ],
    ids=["undeclared and repeated", "declared", "Parquet"],
)  # fmt: skip
def test_item_columns_are_declared_or_guessed_from_a_csv(tmp_path, content, declared, guessed, expected):
    is_csv = isinstance(content, str)
    path = write(tmp_path / "i.csv", content) if is_csv else write_parquet(tmp_path / "i.parquet", content)

    file = read_items(path, columns=declared)

    assert (file.guessed, file.properties) == (guessed, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NAME\nx\n", "misses ITEM_ID"),
        ("ITEM_ID\n", r"items\.csv has no rows"),
        (
            "ITEM_ID,PRICE\na,1\nb,cheap\n,2\n",
            r"items\.csv: an import refuses 2 rows; the first is line 3: PRICE is not a number$",
        ),
        ("ITEM_ID,PRICE\na,1\nb\n", r"an import refuses 1 row; the first is line 3: "),
    ],
)
def test_invalid_file_is_refused_with_its_reason(tmp_path, text, message):
    with pytest.raises(InvalidInput, match=message):
        read_items(write(tmp_path / "items.csv", text), columns={"price": ColumnType.NUMBER})


def declare(deployment, **columns):
    configure(deployment.client("s3"), "artefacts", **{part: {"columns": types} for part, types in columns.items()})


def test_user_columns_are_stored_and_invalid_rows_rejected_with_reasons(deployment, tmp_path):
    path = write(tmp_path / "u.csv", f"USER_ID,AGE,CITY\n1,30,Köln\n,31,x\n2,,\n3,40,{'x' * 24_000}\n")

    assert load_users(deployment, path).imported == 2
    assert stored_users(deployment) == {"1": {"age": 30, "city": "Köln"}, "2": {}}
    assert rejected(path) == [(3, "USER_ID is missing"), (5, "metadata has more than 24000 characters")]


def test_users_have_at_most_25_columns(deployment, tmp_path):
    path = write(tmp_path / "u.csv", ",".join(["USER_ID", *(f"C{place}" for place in range(26))]) + "\n")

    with pytest.raises(InvalidInput, match="has 26 metadata columns, expected at most 25"):
        load_users(deployment, path)


def test_declared_columns_have_their_types_and_invalid_cells_are_rejected(deployment, tmp_path):
    types = {"CODE": "string", "SCORE": "number", "MEMBER": "boolean", "LIKES": "list", "SINCE": "timestamp"}
    declare(deployment, users=types)
    valid = "1,7,1.5,TRUE,a|b,2017-07-14\n2,,2,0,,1500000000\n"
    invalid = "3,,high,1,,\n4,,1,maybe,,\n5,,1,1,,soon\n6,,1,1,,-5\n"
    path = write(tmp_path / "u.csv", "USER_ID,CODE,SCORE,MEMBER,LIKES,SINCE\n" + valid + invalid)

    load_users(deployment, path)

    assert stored_users(deployment) == {
        "1": {"code": "7", "score": 1.5, "member": True, "likes": "a|b", "since": 1_499_990_400},
        "2": {"score": 2, "member": False, "since": 1_500_000_000},
    }
    assert rejected(path) == [
        (4, "SCORE is not a number"),
        (5, "MEMBER is neither true nor false"),
        (6, "SINCE is neither a number nor a time like 2024-05-31T12:00:00Z"),
        (7, "SINCE is before 1970"),
    ]


def test_declared_columns_of_parquet_keep_their_types(deployment, tmp_path):
    declare(deployment, items={"CODE": "string", "NEW": "boolean", "PRICE": "number"})
    times = pa.array([1_500_000_000, None]).cast(pa.timestamp("s"))
    columns = {"ITEM_ID": ["1", "2"], "CODE": [7, None], "NEW": [True, None], "PRICE": [1.5, float("nan")]}

    load_items(deployment, write_parquet(tmp_path / "i.parquet", {**columns, "CREATION_TIMESTAMP": times}))

    assert stored_items(deployment) == {
        "1": {"code": "7", "new": True, "price": 1.5, "creationTimestamp": 1_500_000_000},
        "2": {},
    }


def test_dry_run_of_users_writes_nothing(deployment, tmp_path):
    path = write(tmp_path / "u.csv", "USER_ID,AGE\n1,30\n,31\n")

    summary = load_users(deployment, path, dry_run=True)

    assert (summary.imported, summary.rejected, summary.dry_run) == (1, 1, True)
    assert stored_users(deployment) == {}
    assert list(tmp_path.iterdir()) == [path]
    assert "Contents" not in deployment.client("s3").list_objects_v2(Bucket="artefacts")
