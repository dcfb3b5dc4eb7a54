"""Logged responses with their inputs, and results of their replays."""

from __future__ import annotations

import json
import time
from typing import Any

from alsolike.lake import partitions, served
from tests.builders.parquet import SERVED, parquet
from tests.builders.served_rows import served as served_row
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.shop import NAMES
from tests.unit.cli.stub_function import StubFunction

NOW_MS = time.time_ns() // 1_000_000


def log(function: StubFunction, **fields: Any) -> str:
    """Write a response to the recommendation log as archive_served does, and return its ID."""
    row = served_row(served_ms=NOW_MS, **fields)
    key = f"{served.partition_prefix(served.served_date(NOW_MS))}{row.recommendation_id}.parquet"
    body = parquet([{name: getattr(row, name) for name in SERVED.names}], SERVED)
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=body)
    return row.recommendation_id


def archive(function: StubFunction, *events: tuple[str, str, int]) -> None:
    """Write events into the lake, given as tuples of user, item and time of arrival."""
    rows = [
        {"event_id": f"e{number}", "user_id": user, "item_id": item, "event_type": "view",
         "event_time_ms": at_ms, "received_time_ms": at_ms, "schema_version": 2}
        for number, (user, item, at_ms) in enumerate(events)
    ]  # fmt: skip
    key = f"{partitions.partition_prefix(partitions.event_date(events[0][2]))}events.parquet"
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=parquet(rows))


def replayed(*item_ids: str, **fields: Any) -> dict[str, Any]:
    reason = {"itemId": "pear", "eventType": "view", "timestamp": 1, "contribution": 2.0}
    return {
        "items": [
            {"itemId": item_id, "score": 1.0, "origin": "ranked", "reason": [json.dumps(reason)]}
            for item_id in item_ids
        ],
        "source": "model",
        "modelVersion": "v1",
        "configuration": 3,
        "rules": None,
        "arms": ["menu/short"],
        "degraded": [],
        **fields,
    }


def explain(*arguments):
    return run("explain", *arguments, catch_exceptions=True)


def document(*arguments):
    return run_json("explain", *arguments)
