"""archive_events and update_profiles: records a second on one core."""

from __future__ import annotations

import base64
import io
import itertools
import os
from collections.abc import Iterator
from typing import Any

import boto3
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

import alsolike.aws
from alsolike.interactions import Interaction
from benchmarks import transport
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms

NOW_MS = 1_790_000_000_000
ARCHIVE_RECORDS = 10_000
PROFILE_RECORDS = 100
PROFILE_CALLS = 100
PROFILE_ROUNDS = 20


def archive_events() -> Iterator[Result]:
    """A full batch of 10,000 records of one day into one Parquet object."""
    os.environ["LAKE_BUCKET"] = os.environ["ARTEFACT_BUCKET"] = transport.BUCKET
    _use_memory_transport()
    from functions.archive_events.handler import lambda_handler

    event = _event(ARCHIVE_RECORDS, profiles=2_000)

    def floor() -> None:
        rows = [orjson.loads(base64.b64decode(record["kinesis"]["data"])) for record in event["Records"]]
        pq.write_table(pa.Table.from_pylist(rows), io.BytesIO(), compression="zstd")

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
    """A batch of 100 records that falls on many or on few profiles, with full histories."""
    os.environ["PROFILES_TABLE"], os.environ["ARTEFACT_BUCKET"] = transport.TABLE, transport.BUCKET
    _use_memory_transport()
    for profiles in (PROFILE_RECORDS, PROFILE_RECORDS // 10):
        yield from _update_profiles(profiles)


def _update_profiles(profiles: int) -> Iterator[Result]:
    from functions.update_profiles.handler import lambda_handler

    # Each call brings new events, or nothing would be written.
    batches = (_event(PROFILE_RECORDS, profiles=profiles, first=call * PROFILE_RECORDS) for call in itertools.count())
    events = iter(list(itertools.islice(batches, PROFILE_CALLS + PROFILE_ROUNDS + 1)))
    floor_event = next(events)
    history = orjson.dumps([[NOW_MS, f"{n:032x}", f"item{n}", "view"] for n in range(100)])
    dynamodb = alsolike.aws.client("dynamodb")

    def parse_and_pack() -> None:
        by_profile: dict[str, list[Any]] = {}
        for record in floor_event["Records"]:
            row = orjson.loads(base64.b64decode(record["kinesis"]["data"]))
            entry = [row["event_time_ms"], row["event_id"], row["item_id"], row["event_type"]]
            by_profile.setdefault(row["user_id"], []).append(entry)
        for entries in by_profile.values():
            orjson.dumps(sorted(orjson.loads(history) + entries)[-100:])

    def read_and_write() -> None:
        for number in range(profiles):
            key = {"profile_id": {"S": f"floor{number}"}}
            dynamodb.get_item(TableName=transport.TABLE, Key=key, ConsistentRead=True)
            dynamodb.put_item(TableName=transport.TABLE, Item={**key, "recent": {"B": history}})

    with quiet():
        for _ in range(PROFILE_CALLS):
            lambda_handler(next(events), CONTEXT)  # histories grow
        medians = cpu_medians_ms(
            {
                "product": lambda: lambda_handler(next(events), CONTEXT),
                "base64 + orjson": parse_and_pack,
                "bare boto3 get_item + put_item a profile": read_and_write,
            },
            rounds=PROFILE_ROUNDS - 1,
        )
    cost_ms = medians.pop("product")
    for floor, floor_ms in medians.items():
        yield Result(
            "update_profiles",
            f"{PROFILE_RECORDS} records of {profiles} profiles",
            cost_ms,
            floor,
            floor_ms,
            units_per_call=PROFILE_RECORDS,
            note="DynamoDB is an in-memory transport",
        )


def _use_memory_transport() -> None:
    boto3.DEFAULT_SESSION = transport.session()
    alsolike.aws.client.cache_clear()


def _event(records: int, *, profiles: int, first: int = 0) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
                "kinesis": {
                    "sequenceNumber": str(number),
                    "approximateArrivalTimestamp": NOW_MS / 1000,
                    "data": base64.b64encode(_interaction(number, profiles=profiles).to_record()).decode(),
                },
            }
            for number in range(first, first + records)
        ]
    }


def _interaction(number: int, *, profiles: int) -> Interaction:
    return Interaction(
        event_id=f"{number:032x}",
        user_id=f"user{number % profiles}",
        session_id=f"session{number % 5_000}",
        item_id=f"item{number % 7_919}",
        event_type="view",
        event_value=None,
        event_time_ms=NOW_MS + number,
        recommendation_id=None,
        impression=(),
        properties="{}",
        received_time_ms=NOW_MS + number + 250,
    )
