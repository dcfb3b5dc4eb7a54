import pyarrow as pa
import pytest

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType
from alsolike.runtime.errors import InvalidInput
from operations.ingest.interaction_file import read
from tests.unit.cli.imported import write, write_parquet

ROWS = "USER_ID,ITEM_ID,TIMESTAMP\nann,x,30\nann,y,10\nann,z,30\nbob,x,5\n"


def write_types(path, types):
    """Write the items 0, 1, ... of one user with an event type each. In CSV, None is an empty cell."""
    items = [str(index) for index in range(len(types))]
    if path.suffix == ".csv":
        rows = "".join(f"a,{item},{int(item) + 1},{kind or ''}\n" for item, kind in zip(items, types, strict=True))
        return write(path, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n" + rows)
    columns = {"USER_ID": ["a"] * len(types), "ITEM_ID": items, "TIMESTAMP": [*range(1, len(types) + 1)]}
    return write_parquet(path, {**columns, "EVENT_TYPE": pa.array(types, pa.string())})


def sequence(file):
    data = file.interactions
    return [(user, file.item_ids[item - 1]) for user, item in zip(data.user.tolist(), data.item.tolist(), strict=True)]


def test_rows_are_sorted_by_time_with_stable_ties(tmp_path):
    file = read(write(tmp_path / "rows.csv", ROWS))

    assert sequence(file) == [(0, "y"), (0, "x"), (0, "z"), (1, "x")]
    assert file.interactions.time_ms.tolist() == [10_000, 30_000, 30_000, 5_000]


def test_numeric_ids_are_kept_as_strings(tmp_path):
    file = read(write(tmp_path / "rows.csv", "USER_ID,ITEM_ID,TIMESTAMP\n1,007,1\n1,7,2\n"))

    assert file.item_ids == ["007", "7"]


def test_returned_purchases_are_dropped_in_any_row_order(tmp_path):
    rows = "ann,x,30,return\nann,x,10,purchase\nann,y,20,purchase\nbob,x,10,purchase\nbob,x,5,return\n"
    file = read(write(tmp_path / "rows.csv", "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n" + rows))

    assert sequence(file) == [(0, "y"), (1, "x")]


def test_returned_rows_are_reported_and_an_empty_result_is_refused(tmp_path):
    head = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
    some = read(write(tmp_path / "some.csv", head + "ann,x,1,purchase\nann,x,2,return\nann,y,3,view\n"))

    assert some.notes == ("returns took back 1 row",)
    with pytest.raises(InvalidInput, match=r"^none\.csv has no interaction that counts: returns took back 1 row$"):
        read(write(tmp_path / "none.csv", head + "ann,x,1,purchase\nann,x,2,return\n"))
    with pytest.raises(InvalidInput, match=r"^none\.csv has no interaction that counts: "):
        read(write(tmp_path / "none.csv", head + "ann,x,2,return\n"))


def test_event_types_have_weights_and_unknown_ones_are_dropped(tmp_path):
    text = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\na,x,1,View\na,y,2,Purchase\na,z,3,gift\na,x,4,wish\n"

    file = read(write(tmp_path / "rows.csv", text))

    assert sequence(file) == [(0, "x"), (0, "y")]
    assert file.interactions.weight.tolist() == [1.0, 5.0]
    assert file.notes == ("left out 2 rows of unknown EVENT_TYPE: gift, wish",)


def test_event_types_come_from_the_configuration_and_need_a_weight(tmp_path):
    events = {**DEFAULT.events, "wish": EventType("wish", 2.5, aliases=("wishlist",)), "view": EventType("view", 0.0)}
    path = write_types(tmp_path / "rows.csv", ["WishList", "View", None, "search", "gift"])

    file = read(path, configuration=Configuration(events=events))

    assert sequence(file) == [(0, "0")]
    assert file.interactions.weight.tolist() == [2.5]
    assert file.interactions.feature("event_type").values == ("wish",)
    assert file.notes == (
        "1 row without EVENT_TYPE: counted as view",
        "left out 1 row of unknown EVENT_TYPE: gift",
        "left out 3 rows of an EVENT_TYPE with weight 0: View, search, view",
    )


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
@pytest.mark.parametrize("types", [[None, None], ["review", None], ["review", "rating"]])
def test_file_without_a_known_event_type_has_equal_weights(tmp_path, name, types):
    file = read(write_types(tmp_path / name, types))

    assert file.interactions.weight.tolist() == [1.0, 1.0]
    assert file.notes == ("EVENT_TYPE holds none of view, click, cart, purchase, return: every interaction weighs 1",)


def test_null_parquet_column_is_not_an_event_type(tmp_path):
    columns = {"USER_ID": ["a"], "ITEM_ID": ["x"], "TIMESTAMP": [1], "EVENT_TYPE": pa.nulls(1)}
    path = write_parquet(tmp_path / "rows.parquet", columns)

    assert read(path).interactions.weight.tolist() == [1.0]


def test_items_without_interactions_are_included(tmp_path):
    file = read(write(tmp_path / "rows.csv", ROWS), items={"x": {"title": "X"}, "new": {"title": "N"}})

    assert file.item_ids == ["new", "x", "y", "z"]
    assert sequence(file) == [(0, "y"), (0, "x"), (0, "z"), (1, "x")]
    assert file.interactions.items == 4
    assert file.unlearned == []
    assert file.notes == ("the items file lacks 2 items with interactions",)


def test_items_without_interactions_are_excluded_with_only_learned(tmp_path):
    items = {"x": {"title": "X"}, "new": {"title": "N"}}

    file = read(write(tmp_path / "rows.csv", ROWS), items=items, only_learned=True)

    assert (file.item_ids, file.interactions.items) == (["x", "y", "z"], 3)
    assert file.unlearned == [{"title": "N"}]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rows.csv", "USER_ID,ITEM_ID\na,x\n", "misses TIMESTAMP; its columns are USER_ID, ITEM_ID"),
        ("rows.csv", "USER_ID,QUERY,TIMESTAMP\na,x,1\n", "misses ITEM_ID; its columns are USER_ID, QUERY, TIMESTAMP"),
        ("rows.csv", "", "is empty"),
        ("rows.csv", "USER_ID,ITEM_ID,TIMESTAMP\n", r"^rows\.csv has no rows$"),
        ("rows.csv", "USER_ID,ITEM_ID,TIMESTAMP\na,,1\n", r"ITEM_ID is missing \(first in rows\.csv, line 2\)"),
        ("rows.csv", "USER_ID;ITEM_ID;TIMESTAMP\na;x;1\n", "is USER_ID;ITEM_ID;TIMESTAMP, expected column"),
        ("rows.csv", "USER_ID,ITEM_ID,TIMESTAMP\nl\udce9on,x,1\n", r"is not UTF-8 .* \(first in rows\.csv, line 2\)"),
        ("rows.parquet", "no parquet", "cannot be read"),
    ],
)
def test_invalid_file_is_refused_with_its_reason(tmp_path, name, text, message):
    with pytest.raises(InvalidInput, match=message):
        read(write(tmp_path / name, text))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,x,yesterday", "TIMESTAMP is neither a number nor a time"),
        ("l\udce9on,x,1", "is not UTF-8"),
        ("a,x", "has 2 columns, expected 3"),
    ],
)
def test_rows_that_an_import_rejects_are_dropped_and_counted(tmp_path, row, reason):
    file = read(write(tmp_path / "rows.csv", f"USER_ID,ITEM_ID,TIMESTAMP\na,x,1\n\nb,y,2\n{row}\n"))

    assert sequence(file) == [(0, "x"), (1, "y")]
    assert len(file.notes) == 1
    assert file.notes[0].startswith("1 row left out, as by an import: ")
    assert reason in file.notes[0]
    assert file.notes[0].endswith("(first in rows.csv, line 5)")


def test_several_files_with_mapped_columns_are_read_as_one(tmp_path):
    first = write(tmp_path / "january.csv", "Kunde,Artikel,Zeit\nann,x,30\nann,y,10\n")
    second = write(tmp_path / "february.csv", "kunde,artikel,zeit\nbob,x,5\n")

    file = read(first, str(second), mapping={"KUNDE": "USER_ID", "ARTIKEL": "ITEM_ID", "ZEIT": "TIMESTAMP"})

    assert sequence(file) == [(0, "y"), (0, "x"), (1, "x")]


def test_event_type_option_fills_empty_cells_and_searches_are_dropped(tmp_path):
    text = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,QUERY\na,x,1,,\na,y,2,view,\na,,3,search,socks\n"

    file = read(write(tmp_path / "rows.csv", text), event_type="purchase")

    assert file.interactions.weight.tolist() == [5.0, 1.0]
    assert file.notes == ("1 row without EVENT_TYPE: counted as purchase",)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="does not exist"):
        read(tmp_path / "absent.csv")


def test_item_columns_become_content_vectors(tmp_path):
    columns: list[dict[str, object]] = [{"brand": "a", "price": 2}, {"brand": "A", "price": 2.1}, {"brand": "b"}]
    items = dict(zip("xyz", columns, strict=True))

    data = read(write(tmp_path / "rows.csv", ROWS), items=items).interactions

    # x and y share brand a and a price class. z is the only item of brand b.
    assert data.content is not None
    cosines = (data.content @ data.content.T).toarray()
    assert cosines[1, 2] == pytest.approx(1)
    assert cosines[3].tolist() == [0, 0, 0, 0]


def test_items_without_columns_have_no_content(tmp_path):
    data = read(write(tmp_path / "rows.csv", ROWS), items={"x": {}, "y": {}, "z": {}}).interactions

    assert data.content is None
