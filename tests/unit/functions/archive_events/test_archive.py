import io
import itertools

import awswrangler as wr
import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.events.interactions import MAX_TIME_MS
from alsolike.events.stream_records import stream_records
from alsolike.lake.duplicates import deduplicate
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.records.interaction import INTERACTIONS_COLUMNS, SCHEMA_VERSION
from alsolike.runtime.errors import Unavailable
from functions.archive_events import handler
from functions.archive_events.service import archive
from tests.builders.configurations import RATING, Applied
from tests.builders.lambda_events import NOW_MS, SHARD, LambdaContext, interaction, kinesis_event, sequence
from tests.builders.parquet import table_of
from tests.fakes.places import create_bucket, objects


@pytest.fixture
def invoke(lake_bucket, artefact_bucket):
    return lambda event: handler.lambda_handler(event, LambdaContext())


@pytest.fixture
def stored(aws, lake_bucket):
    return lambda: objects(aws("s3"), lake_bucket)


@pytest.fixture
def stored_table(stored):
    def read():
        (content,) = stored().values()
        return table_of(content)

    return read


def test_batch_is_written_by_event_date_under_shard_and_sequence_range(invoke, stored, counted):
    yesterday = interaction("e2", event_time_ms=NOW_MS - DAY_MS)

    answer = invoke(kinesis_event([interaction("e1"), yesterday, interaction("e3")], first=7))

    assert answer == {"batchItemFailures": []}
    name = f"eu-west-1-{SHARD}-{sequence(7)}-{sequence(9)}.parquet"
    assert stored().keys() == {f"interactions/event_date=2026-09-{day}/{name}" for day in (20, 21)}
    table = table_of(stored()[f"interactions/event_date=2026-09-21/{name}"])
    assert table.column("event_id").to_pylist() == ["e1", "e3"]
    assert counted() == {"InteractionsArchived": 3}


def test_lake_row_has_every_field_of_the_interaction(invoke, stored_table):
    fields = {"event_value": 2.5, "query": "figs", "recommendation_id": "r1", "correlation_id": "order-17"}

    invoke(kinesis_event([interaction("e1", impression=("a", "b"), session_id=None, **fields)]))

    assert stored_table().to_pylist() == [
        {
            **dict.fromkeys(INTERACTIONS_COLUMNS), **fields, "event_id": "e1", "user_id": "anna", "item_id": "pear",
            "event_type": "view", "event_time_ms": NOW_MS - 60_000, "impression": ["a", "b"], "properties": "{}",
            "received_time_ms": NOW_MS, "schema_version": SCHEMA_VERSION,
        }
    ]  # fmt: skip


def test_lake_columns_without_values_have_the_glue_types(invoke, stored):
    types = {
        "string": "string", "double": "double", "bigint": "int64", "int": "int32",
        "array<string>": "list<element: string>",
    }  # fmt: skip

    invoke(kinesis_event([interaction("e1", session_id=None)]))

    (content,) = stored().values()
    found = {field.name: str(field.type) for field in pq.read_schema(io.BytesIO(content))}
    assert found == {name: types[glue_type] for name, glue_type in INTERACTIONS_COLUMNS.items()}
    assert list(found) == list(INTERACTIONS_COLUMNS)


def test_poison_record_is_quarantined_and_other_records_are_archived(invoke, stored, counted):
    invoke(kinesis_event([interaction("e1"), b"\xff\x00poison", interaction("e2")]))

    contents = stored()
    key = f"quarantine/dt=2026-09-21/eu-west-1-{SHARD}-{sequence(1)}.json"
    quarantined = QuarantinedRecord.from_json(contents.pop(key))
    assert quarantined.record.data == b"\xff\x00poison"
    assert (quarantined.record.stream, quarantined.record.shard_id) == ("events", f"eu-west-1-{SHARD}")
    assert quarantined.record.arrived_ms == NOW_MS + 1
    assert quarantined.reason.startswith("record is not valid JSON")
    (content,) = contents.values()
    assert table_of(content).column("event_id").to_pylist() == ["e1", "e2"]
    assert counted() == {"InteractionsArchived": 2, "RecordsQuarantined": 1}


def test_record_from_the_future_is_quarantined_once_with_its_reason(invoke, stored):
    year_9999 = interaction("e1", event_time_ms=MAX_TIME_MS, received_time_ms=MAX_TIME_MS)

    invoke(kinesis_event([year_9999]))
    first = stored()
    invoke(kinesis_event([year_9999]))

    assert stored() == first
    assert first.keys() == {f"quarantine/dt=2026-09-21/eu-west-1-{SHARD}-{sequence(0)}.json"}
    (content,) = first.values()
    assert QuarantinedRecord.from_json(content).reason == (
        "event_time_ms is 253402300799999, more than 300 s in the future (the record arrived at 1790000000000 ms)"
    )


def test_redelivered_batch_writes_identical_objects(invoke, stored):
    event = kinesis_event([interaction("e1"), b"poison", interaction("e2", event_time_ms=NOW_MS - DAY_MS)])

    invoke(event)
    first = stored()
    invoke(event)

    assert stored() == first
    assert len(first) == 3


@pytest.fixture
def archived(aws, lake_bucket):
    def run(batch, *configurations, bucket=lake_bucket):
        records, applied = stream_records(kinesis_event(batch)), Applied(*configurations)
        result = archive(records, client=aws("s3"), bucket=bucket, configurations=applied, now_ms=NOW_MS)
        return result, applied.looks

    return run


def test_correlation_ids_of_unreadable_records_are_returned_once(archived):
    named = [orjson.dumps({"correlation_id": name}) for name in ("a", "b", "a", "anna@example.com", None, 7)]

    result, _ = archived([*named, b"\xff", b"[]"], DEFAULT)

    assert result.correlation_ids == ("a", "b")


def test_new_event_type_is_accepted_after_one_configuration_refresh(archived, lake_bucket):
    batch = [interaction(f"e{n}", event_type=kind) for n, kind in enumerate(["rating", "nod", "rating", "shrug"])]

    result, looks = archived(batch, DEFAULT, RATING)

    known = "view, click, cart, purchase, return, search, rating"
    assert result.reasons == tuple(f"event_type is {kind!r}, expected one of {known}" for kind in ("nod", "shrug"))
    assert looks == 1
    assert [row[0] for row in read_once(lake_bucket)] == ["e0", "e2"]


def test_missing_bucket_fails_the_batch(archived):
    with pytest.raises(Unavailable, match=r"s3://elsewhere/interactions/.*NoSuchBucket"):
        archived([interaction("e1")], bucket="elsewhere")


BATCH = [
    interaction(f"e{n % 6}", item_id=f"i{n}", event_time_ms=NOW_MS - 1000 * n, received_time_ms=NOW_MS + n % 2)
    for n in range(8)
]


def read_once(bucket):
    rows = deduplicate(wr.s3.read_parquet(f"s3://{bucket}/{INTERACTIONS_PREFIX}"))
    return sorted(zip(rows["event_id"], rows["item_id"], rows["received_time_ms"], strict=True))


def archive_in_parts(s3, bucket, batch, cuts):
    bounds = [0, *sorted(cuts), len(batch)]
    records = stream_records(kinesis_event(batch))
    for start, end in itertools.pairwise(bounds):
        if start < end:
            archive(records[start:end], client=s3, bucket=bucket, configurations=Applied(), now_ms=NOW_MS)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=st.lists(st.lists(st.integers(1, len(BATCH) - 1), max_size=3), min_size=1, max_size=3))
def test_lake_events_do_not_depend_on_bisected_and_repeated_batches(deliveries, aws):
    s3 = aws("s3")
    number = len(s3.list_buckets()["Buckets"])  # Every example has two separate buckets.
    straight, tangled = create_bucket(s3, f"straight-{number}"), create_bucket(s3, f"tangled-{number}")

    archive_in_parts(s3, straight, BATCH, [])
    for cuts in deliveries:
        archive_in_parts(s3, tangled, BATCH, cuts)

    assert read_once(tangled) == read_once(straight)
    assert len(read_once(straight)) == 6


def test_records_of_erased_users_are_not_archived(invoke, stored_table, erase, counted):
    erase("anna")
    bad = b'{"user_id": "anna", "schema_version": 9}'
    bens = [interaction("e2", user_id="ben"), interaction("e3", user_id=None)]

    invoke(kinesis_event([interaction("e1"), *bens, bad, b"\xff cut off"]))

    assert stored_table()["event_id"].to_pylist() == ["e2", "e3"]
    assert counted() == {"InteractionsArchived": 2, "EventsOfErasedUsers": 3}
