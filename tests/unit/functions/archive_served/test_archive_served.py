"""Records of the recommendation log, written to the lake or to quarantine."""

import base64
import dataclasses
import gzip
import io

import orjson
import pyarrow.parquet as pq
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.privacy.erasures import ErasureReceipt, ErasureReceiptStore
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import add_tombstone
from alsolike.profiles.impressions import ImpressionStore
from alsolike.runtime.errors import InvalidInput, Unavailable
from functions.archive_served import handler
from functions.archive_served.service import archive, read_delivery
from tests.builders.lambda_events import LambdaContext
from tests.builders.parquet import table_of
from tests.builders.served_rows import SERVED_MS, served
from tests.builders.served_rows import stored as as_stored
from tests.fakes.places import objects

STREAM = "2026/09/21/[7]0123456789abcdef"


@pytest.fixture
def invoke(lake_bucket, artefact_bucket, profiles_table):
    return lambda event: handler.lambda_handler(event, LambdaContext())


@pytest.fixture
def stored(aws, lake_bucket):
    return lambda: objects(aws("s3"), lake_bucket)


def logs_event(lines, *, kind="DATA_MESSAGE", stream=STREAM):
    messages = [line if isinstance(line, str) else line.to_line() + "\n" for line in lines]
    document = {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": "recommend-log",
        "logStream": stream,
        "subscriptionFilters": ["served"],
        "logEvents": [
            {"id": f"{number:056d}", "timestamp": SERVED_MS + number, "message": message}
            for number, message in enumerate(messages)
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(orjson.dumps(document))).decode()}}


def rows(content):
    return table_of(content).to_pylist()


def test_log_rows_are_written_by_date_under_stream_and_event(invoke, stored, counted):
    today, yesterday = served(), served(served_ms=SERVED_MS - DAY_MS)

    invoke(logs_event([today, yesterday, today]))

    contents = stored()
    name = f"{0:056d}-{2:056d}.parquet"
    keys = sorted(contents)
    assert [key.partition("/")[2][:22] for key in keys] == ["served_date=2026-09-20", "served_date=2026-09-21"]
    assert all(key.startswith("served/") and key.endswith(f"-{name}") for key in keys)
    assert rows(contents[keys[0]]) == [as_stored(yesterday)]
    assert rows(contents[keys[1]]) == [as_stored(today)] * 2
    assert counted() == {"ServedArchived": 3}


def test_redelivered_batch_changes_nothing_and_other_stream_adds_an_object(invoke, stored):
    event = logs_event([served(), "no row"])
    invoke(event)
    once = stored()

    invoke(event)
    assert stored() == once

    invoke(logs_event([served()], stream="2026/09/21/[7]fedcba9876543210"))
    assert len(stored()) == len(once) + 1


def test_forged_log_line_is_quarantined_and_other_lines_are_archived(invoke, stored, counted):
    forged = dataclasses.replace(served(), served_ms=SERVED_MS + 1)

    invoke(logs_event([served(), forged, served()]))

    contents = stored()
    (bad,) = [key for key in contents if key.startswith("quarantine/dt=2026-09-21/served-")]
    held = QuarantinedRecord.from_json(contents[bad])
    assert held.reason.startswith("served.served_ms is")
    assert (held.record.stream, held.record.data.decode().strip()) == ("recommend-log", forged.to_line())
    (good,) = [content for key, content in contents.items() if key.startswith("served/")]
    assert len(rows(good)) == 2
    assert counted() == {"ServedArchived": 2, "RecordsQuarantined": 1}


def test_served_columns_have_the_glue_types_when_all_values_are_null(invoke, stored):
    empty = served(shopper=None, arms=[], item_ids=[], origins=[], propensities=[])

    invoke(logs_event([empty]))

    (content,) = stored().values()
    types = {field.name: str(field.type) for field in pq.read_schema(io.BytesIO(content))}
    assert {types[name] for name in ("shopper", "session", "rules", "filter", "page_item")} == {"string"}
    assert types["propensities"] == "list<element: double>"
    assert (types["served_ms"], types["asked"]) == ("int64", "int32")


def test_log_rows_of_erased_users_are_not_archived(invoke, stored, aws, artefact_bucket, counted):
    hashes = Pseudonyms(b"k" * 64)
    add_tombstone(aws("s3"), artefact_bucket, hashes.shopper("anna"), now_ms=1)
    anna_response = served(shopper=hashes.shopper("anna"))
    in_annas_session = served(session=hashes.shopper("anna"))
    ben_response = served(shopper=hashes.shopper("ben"))
    truncated = anna_response.to_line()[:-9]

    invoke(logs_event([anna_response, ben_response, in_annas_session, truncated]))

    (content,) = stored().values()
    assert rows(content) == [as_stored(ben_response)]
    assert counted() == {"ServedArchived": 1, "RowsOfErasedUsers": 3}


def test_log_rows_of_erased_users_without_tombstones_are_not_archived(invoke, stored, aws, artefact_bucket):
    hashes = Pseudonyms(b"k" * 64)
    receipt = ErasureReceipt("0123", "0123", requested_at_ms=1, further_hashes=(hashes.shopper("anna"),))
    ErasureReceiptStore(aws("s3"), artefact_bucket).write(receipt)

    invoke(logs_event([served(shopper=hashes.shopper("anna"))]))

    assert stored() == {}


def test_control_message_writes_nothing(invoke, stored):
    invoke(logs_event(["CWL CONTROL MESSAGE: Checking health of destination"], kind="CONTROL_MESSAGE"))

    assert stored() == {}


@pytest.mark.parametrize(
    "data",
    ["", "no base64!", base64.b64encode(b"no gzip").decode(), base64.b64encode(gzip.compress(b"[]", mtime=0)).decode()],
)
def test_invalid_delivery_raises_invalid_input(data):
    with pytest.raises(InvalidInput, match="is not the data of a subscription"):
        read_delivery(data)


def test_unavailable_lake_fails_the_delivery(aws):
    delivery = read_delivery(logs_event([served()])["awslogs"]["data"])

    with pytest.raises(Unavailable, match="no-such-bucket"):
        archive(delivery, client=aws("s3"), bucket="no-such-bucket")


def test_lists_are_stored_as_impressions_only_with_fatigue(invoke, aws, profiles_table, configure):
    store = ImpressionStore(aws("dynamodb"), profiles_table)
    row = served()
    invoke(logs_event([row]))
    assert store.read(row.shopper or "", since_ms=0) == []

    handler._sources.cache_clear()
    fatigue = {"strength": 0.5, "half_life_hours": 24}
    configure({"recommenders": {"for-you": {"fatigue": fatigue}}})
    invoke(logs_event([row, dataclasses.replace(row, shopper=None, session=None)]))

    (found,) = store.read(row.shopper or "", since_ms=0)
    assert (found.list_id, found.time_ms, found.item_ids) == (row.recommendation_id, row.served_ms, list(row.item_ids))
    assert not found.is_reported
