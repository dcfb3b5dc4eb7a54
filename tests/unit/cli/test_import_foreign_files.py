"""Files of other shops and tools, with their column names, times and event types."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType
from alsolike.runtime.errors import InvalidInput
from operations.ingest.column_mapping import parse_mapping, renamed
from operations.ingest.interaction_checks import check
from operations.ingest.timestamps import times_ms
from tests.unit.cli.imported import NOW_MS, lake_objects, lake_rows, load, write, write_parquet


def test_mapped_columns_are_read_under_their_alsolike_names(deployment, tmp_path):
    text = "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
    mapping = ["visitorid=user_id", "ItemID=ITEM_ID", "event=EVENT_TYPE"]

    load(deployment, write(tmp_path / "p.csv", text), mapping=mapping)

    (row,) = lake_rows(deployment).to_dict("records")
    assert (row["user_id"], row["item_id"], row["event_type"]) == ("257597", "355908", "view")
    assert row["event_time_ms"] == 1_433_221_332_117
    assert row["properties"] == "{}"


def test_rejected_rows_keep_the_column_names_of_their_file(deployment, tmp_path):
    load(deployment, write(tmp_path / "p.csv", "visitor,ITEM_ID,TIMESTAMP\n,a,1\n"), mapping=["visitor=USER_ID"])

    rejected = (tmp_path / "p.csv.rejected.csv").read_text().splitlines()
    assert rejected == ["line,reason,visitor,ITEM_ID,TIMESTAMP", "2,USER_ID is missing,,a,1"]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["visitor"], "visitor is not a pair, expected THEIRS=OURS"),
        (["=USER_ID"], "is not a pair"),
        (["a=USER_ID", "b=user_id"], "--map names USER_ID twice"),
        (["a=USER_ID", "A=ITEM_ID"], "--map names A twice"),
    ],
)
def test_invalid_mapping_is_refused(pairs, message):
    with pytest.raises(InvalidInput, match=message):
        parse_mapping(pairs)


def test_mapping_of_an_absent_column_error_lists_the_columns():
    with pytest.raises(
        InvalidInput, match=r"--map names VISITOR, which p\.csv does not have; its columns are user, Item"
    ):
        renamed(["user", "Item"], parse_mapping(["visitor=USER_ID"]), file="p.csv")


def test_mapping_onto_an_existing_column_is_refused():
    with pytest.raises(InvalidInput, match="the column USER_ID more than once"):
        renamed(["USER_ID", "visitor"], {"VISITOR": "USER_ID"}, file="p.csv")


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


def test_rows_of_erased_users_are_rejected():
    table = pa.table({"USER_ID": ["kept", "gone", "gone"], "ITEM_ID": ["i"] * 3, "TIMESTAMP": [1] * 3})

    checked = check(
        table,
        default_event_type="view",
        now_ms=NOW_MS,
        configuration=DEFAULT,
        erased=lambda users: users.to_numpy(zero_copy_only=False) == "gone",
    )

    assert checked.good.table()["user_id"].to_pylist() == ["kept"]
    assert checked.reasons == ("USER_ID is an erased user's",) * 2


def test_ids_with_special_characters_are_unchanged(deployment, tmp_path):
    ids = ["../../etc/passwd", "a/b", "🛒", "ключ", "%2e%2e", "'; DROP TABLE", "a\\b", "#"]
    columns = {"USER_ID": ids, "ITEM_ID": ids, "TIMESTAMP": [1_500_000_000] * len(ids)}

    summary = load(deployment, write_parquet(tmp_path / "p.parquet", columns))

    assert (summary.imported, summary.profiles) == (len(ids), len(ids))
    rows = lake_rows(deployment)
    assert sorted(rows.user_id) == sorted(rows.item_id) == sorted(ids)
    assert [key.rsplit("/", 1)[0] for key in lake_objects(deployment)] == ["interactions/event_date=2017-07-14"]
