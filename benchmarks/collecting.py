"""collect: POST /events on one core, compared with parsing the JSON and one boto3 call to Kinesis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import orjson

import alsolike.runtime.aws
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.transport import use_memory_transport

NOW_S = 1_700_000_000
EVENTS = 10
REPEATS = 20
TRACKING_ID = "alsolike-bench"


def collect() -> Iterator[Result]:
    os.environ.update(
        STREAM_NAME="events",
        TRACKING_ID=TRACKING_ID,
        CATALOGUE_TABLE="catalogue",
        USERS_TABLE="users",
        ITEMS_DATASET_ARN="arn:aws:personalize:eu-west-1:123456789012:dataset/alsolike-bench/ITEMS",
        USERS_DATASET_ARN="arn:aws:personalize:eu-west-1:123456789012:dataset/alsolike-bench/USERS",
    )
    use_memory_transport()
    for events in (EVENTS, 1):
        yield from _collect(events)


def _collect(events: int) -> Iterator[Result]:
    from alsolike.api.put_events import parse_put_events
    from functions.collect.handler import lambda_handler

    call = _call(events)
    body = call["body"].encode()
    parsed = parse_put_events(body, now_ms=NOW_S * 1000, tracking_id=TRACKING_ID)
    records = [{"Data": each.to_record(), "PartitionKey": each.profile_id} for each in parsed.interactions]
    kinesis = alsolike.runtime.aws.client("kinesis")

    def orjson_and_call() -> None:
        orjson.loads(body)
        kinesis.put_records(StreamName="events", Records=records)

    with quiet():
        answer = lambda_handler(call, CONTEXT)
        if answer["statusCode"] != 200:
            raise RuntimeError(f"the events were not accepted: {answer['body']}")
        medians = cpu_medians_ms(
            {
                "handler": lambda: lambda_handler(call, CONTEXT),
                "parsing": lambda: parse_put_events(body, now_ms=NOW_S * 1000, tracking_id=TRACKING_ID),
                "orjson": lambda: orjson.loads(body),
                "orjson + bare boto3 put_records": orjson_and_call,
            },
            repeats=REPEATS,
        )
    for product, floor in (
        ("handler", "orjson + bare boto3 put_records"), ("handler", "orjson"), ("parsing", "orjson"),
    ):  # fmt: skip
        yield Result(
            "collect",
            f"{product}, a call of {events} event{'s' if events > 1 else ''}",
            medians[product],
            floor,
            medians[floor],
            units_per_call=events,
            note="Kinesis is an in-memory transport" if product == "handler" else "the call's events, checked",
        )


def _call(events: int) -> dict[str, Any]:
    body = {
        "trackingId": TRACKING_ID,
        "userId": "user1",
        "sessionId": "session1",
        "eventList": [
            {
                "eventType": "view",
                "sentAt": NOW_S - number,
                "eventId": f"{number:032x}",
                "itemId": f"item{number}",
                "properties": orjson.dumps({"page": "home", "position": number}).decode(),
            }
            for number in range(events)
        ],
    }
    return {
        "version": "2.0",
        "routeKey": "POST /events",
        "rawPath": "/events",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/events"}, "requestId": "r", "stage": "$default"},
        "body": orjson.dumps(body).decode(),
        "isBase64Encoded": False,
    }
