import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import InvalidInput
from operations.ingest.items_file import read_items


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_undeclared_csv_column_types_are_guessed(tmp_path):
    text = "ITEM_ID,TITLE,PRICE,SHELF,CREATION_TIMESTAMP\na,Milk,1.20,07,1500000000\nb,,3,12,2017-07-14\n"
    file = read_items(write(tmp_path / "items.csv", text), columns={})

    assert file.guessed == {"TITLE": "text", "PRICE": "number", "SHELF": "text"}
    assert file.properties == {
        "a": {"title": "Milk", "price": 1.2, "shelf": "07", "creationTimestamp": 1_500_000_000},
        "b": {"price": 3, "shelf": "12", "creationTimestamp": 1_499_990_400},
    }


def test_declared_columns_have_their_types_and_are_not_guessed(tmp_path):
    text = "ITEM_ID,YEAR,FRESH,CATEGORY_L1\na,1999,1,DAIRY\n"
    columns = {"year": ColumnType.STRING, "fresh": ColumnType.BOOLEAN}
    file = read_items(write(tmp_path / "items.csv", text), columns=columns)

    assert file.properties == {"a": {"year": "1999", "fresh": True, "categoryL1": "DAIRY"}}
    assert file.guessed == {"CATEGORY_L1": "text"}


def test_parquet_column_types_are_not_guessed(tmp_path):
    columns = {"ITEM_ID": ["a"], "YEAR": ["1999"], "PRICE": [2.5], "FRESH": [True], "TAGS": [["red", "blue"]]}
    pq.write_table(pa.table(columns), tmp_path / "items.parquet")
    file = read_items(tmp_path / "items.parquet", columns={})

    assert file.properties == {"a": {"year": "1999", "price": 2.5, "fresh": True, "tags": "red|blue"}}
    assert file.guessed == {}


def test_later_row_of_an_item_is_used(tmp_path):
    file = read_items(write(tmp_path / "items.csv", "ITEM_ID,TITLE\na,old\nb,B\na,new\n"), columns={})

    assert file.properties == {"a": {"title": "new"}, "b": {"title": "B"}}


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
