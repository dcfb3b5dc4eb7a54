"""Logged responses with their inputs, and a function that replays them."""

from __future__ import annotations

import io
import json
import time
from typing import Any

from alsolike.lake import partitions, served
from alsolike.records.served_response import ServedResponse
from operations.client.deployment import Deployment
from tests.builders.parquet import SERVED, parquet
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.shop import NAMES

NOW_MS = time.time_ns() // 1_000_000


class Function:
    """Lambda client that responds to replays with a given document. Other clients are those of the deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._client = deployment.client
        self.events: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {}
        self.refused: dict[str, str] | None = None

    def client(self, service: str) -> Any:
        return self if service == "lambda" else self._client(service)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        assert FunctionName == NAMES.recommend_function
        self.events.append(json.loads(Payload)["replay"])
        if self.refused is not None:
            return {"Payload": io.BytesIO(json.dumps({"refused": self.refused}).encode())}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())}


def store(function: Function, *rows: ServedResponse) -> None:
    """Write rows to the recommendation log as archive_served does."""
    values = [{name: getattr(row, name) for name in SERVED.names} for row in rows]
    key = f"{served.partition_prefix(served.served_date(rows[0].served_ms))}{rows[0].recommendation_id}.parquet"
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=parquet(values, SERVED))


def archive(function: Function, *events: tuple[str, str, int]) -> None:
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
