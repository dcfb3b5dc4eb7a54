"""archive_events and update_profiles: records per second on one core."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

import alsolike.runtime.aws
from alsolike.events.interactions import Interaction
from alsolike.lake import partitions
from alsolike.profiles.profile import RecentInteraction, SessionLink, link_item, to_item
from alsolike.profiles.profile_table import ProfileStore
from benchmarks import transport
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.transport import use_memory_transport

NOW_MS = 1_790_000_000_000
ARCHIVE_RECORDS = 10_000
PROFILE_RECORDS = 100
PROFILE_CALLS = 100
PROFILE_ROUNDS = 20


def archive_events() -> Iterator[Result]:
    """Measure a full batch: `ARCHIVE_RECORDS` records of one day, which become one Parquet object."""
    use_memory_transport()
    from functions.archive_events.handler import lambda_handler

    event = kinesis_event(ARCHIVE_RECORDS, profiles=2_000)

    def floor() -> None:
        rows = [orjson.loads(base64.b64decode(record["kinesis"]["data"])) for record in event["Records"]]
        pq.write_table(pa.Table.from_pylist(rows), io.BytesIO(), compression=partitions.COMPRESSION)

    with quiet():
        medians = cpu_medians_ms({"product": lambda: lambda_handler(event, CONTEXT), "floor": floor})
    yield Result(
        "archive_events",
        f"batch of {ARCHIVE_RECORDS:,} records",
        medians["product"],
        "base64 + orjson + bare pyarrow Parquet",
        medians["floor"],
        units_per_call=ARCHIVE_RECORDS,
        note="S3 is an in-memory transport",
    )


def update_profiles() -> Iterator[Result]:
    """Measure batches of `PROFILE_RECORDS` records: one or ten per profile, in known or new sessions."""
    use_memory_transport()
    works = ((PROFILE_RECORDS, False), (PROFILE_RECORDS // 10, False), (PROFILE_RECORDS, True))
    for number, (profiles, new_sessions) in enumerate(works):
        yield _update_profiles(profiles, new_sessions=new_sessions, first=number * 1_000_000)


def _update_profiles(profiles: int, *, new_sessions: bool, first: int) -> Result:
    from functions.update_profiles.handler import lambda_handler

    sessions = PROFILE_RECORDS * (PROFILE_CALLS + PROFILE_ROUNDS + 1) if new_sessions else profiles
    events = iter(
        [
            kinesis_event(PROFILE_RECORDS, profiles=profiles, sessions=sessions, first=first + call * PROFILE_RECORDS)
            for call in range(PROFILE_CALLS + PROFILE_ROUNDS + 1)
        ]
    )
    floor_event = next(events)
    items = [
        to_item(f"floor{n % profiles}", RecentInteraction(NOW_MS, f"{n:032x}", f"item{n}", "view"), expires_s=1)
        for n in range(PROFILE_RECORDS)
    ]
    links = [
        link_item(f"s#floor{n}", SessionLink(f"u#floor{n}", NOW_MS), expires_s=1)
        for n in range(PROFILE_RECORDS if new_sessions else 0)
    ]
    dynamodb = alsolike.runtime.aws.client("dynamodb")

    def floor() -> None:
        for record in floor_event["Records"]:
            orjson.loads(base64.b64decode(record["kinesis"]["data"]))
        for start in range(0, PROFILE_RECORDS, 25):
            requests = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            dynamodb.batch_write_item(RequestItems={transport.TABLE: requests})
        for link in links:
            dynamodb.put_item(TableName=transport.TABLE, Item=link)

    with quiet():
        for _ in range(PROFILE_CALLS):
            lambda_handler(next(events), CONTEXT)
        medians = cpu_medians_ms(
            {"product": lambda: lambda_handler(next(events), CONTEXT), "floor": floor}, rounds=PROFILE_ROUNDS - 1
        )
    last = ProfileStore(dynamodb, transport.TABLE).read(f"u#user{first % profiles}").recent[-1].event_id
    if last != f"{first + PROFILE_RECORDS * (PROFILE_CALLS + PROFILE_ROUNDS + 1) - profiles:032x}":
        raise RuntimeError(f"the last interaction of a profile is {last}: not every batch was written")
    return Result(
        "update_profiles",
        f"{PROFILE_RECORDS} records of {profiles} profiles, {'new' if new_sessions else 'known'} sessions",
        medians["product"],
        "base64 + orjson, bare boto3 batch_write_item" + (", put_item a session" if new_sessions else ""),
        medians["floor"],
        units_per_call=PROFILE_RECORDS,
        note="DynamoDB is an in-memory transport",
    )


def kinesis_event(records: int, *, profiles: int, sessions: int = 5_000, first: int = 0) -> dict[str, Any]:
    """Return a Kinesis batch for Lambda, with sequence numbers from `first`."""
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
                "kinesis": {
                    "partitionKey": f"u#user{number % profiles}",
                    "sequenceNumber": str(number),
                    "approximateArrivalTimestamp": NOW_MS / 1000,
                    "data": base64.b64encode(
                        _interaction(number, profiles=profiles, sessions=sessions).to_record()
                    ).decode(),
                },
            }
            for number in range(first, first + records)
        ]
    }


def _interaction(number: int, *, profiles: int, sessions: int) -> Interaction:
    return Interaction(
        event_id=f"{number:032x}",
        user_id=f"user{number % profiles}",
        session_id=f"session{sessions}-{number % sessions}",
        item_id=f"item{number % 7_919}",
        event_type="view",
        event_value=None,
        event_time_ms=NOW_MS - 10_000_000 + number,  # not later than its arrival
        recommendation_id=None,
        impression=(),
        properties="{}",
        received_time_ms=NOW_MS,
    )
