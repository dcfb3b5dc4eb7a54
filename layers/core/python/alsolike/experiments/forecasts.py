"""Forecasts that `attribute_outcomes` computes in the background, and their records in the lake bucket.

A record contains no draft and no user IDs. Its key is `attribution/forecasts/<forecast ID>.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.declarations.storage import FORECASTS_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import LambdaClient, S3Client
from alsolike.runtime.errors import AlsolikeError, Unavailable
from alsolike.runtime.s3 import S3Object
from alsolike.runtime.struct import struct

RUNNING, DONE, FAILED = "running", "done", "failed"
STATES = (RUNNING, DONE, FAILED)

RECOMMENDER = "for-you"

DAYS, RESPONSES = 28, 5_000
"""Default number of days of the recommendation log, and default of the maximum number of logged responses."""

MAX_RUN_MS = 960_000
"""Maximum age in milliseconds of a running forecast: the timeout of the function and a minute for its start."""


@struct
class ForecastRequest:
    """Change to forecast.

    Attributes
    ----------
    configuration
        Configuration document of a draft; None for the live configuration.
    model
        Version that replaces the champion in the draft's lists; None for the champion.
    """

    recommender: str
    configuration: Mapping[str, Any] | None = None
    model: str | None = None

    def to_json(self) -> dict[str, Any]:
        fields = {"recommender": self.recommender, "configuration": self.configuration, "model": self.model}
        return {name: value for name, value in fields.items() if value is not None}

    def forecast_id(self, *, now_ms: int) -> str:
        """Return the ID, which is equal for equal requests of the same day (UTC)."""
        content = orjson.dumps([self.to_json(), now_ms // DAY_MS], option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(content, digest_size=16).hexdigest()


class Forecasts:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read(self, forecast_id: str, *, now_ms: int) -> dict[str, Any] | None:
        """Return the record of a forecast, or None if it was not started or has expired.

        A running forecast is `failed` after `MAX_RUN_MS`, because Lambda ended the function.
        """
        stored = self._object(forecast_id)
        if (content := stored.read()) is None:
            return None
        try:
            record = dict(orjson.loads(content.body))
            if record["state"] == RUNNING and now_ms - record["startedMs"] > MAX_RUN_MS:
                reason = "the forecast did not end within 15 minutes; use `alsolike rules forecast`, which has no limit"
                return record | {"state": FAILED, "reason": reason}
        except (ValueError, TypeError, KeyError) as error:
            raise Unavailable(f"{stored.uri} is not a record of a forecast: {error}; delete it") from error
        return record

    def write(self, forecast_id: str, record: Mapping[str, Any]) -> None:
        self._object(forecast_id).write(orjson.dumps(record))

    def start(
        self, lambda_: LambdaClient, function: str, request: ForecastRequest, *, forecast_id: str, now_ms: int
    ) -> dict[str, Any]:
        """Start a forecast, unless it runs or is done. Return the record.

        If `function` cannot be invoked, store the reason in the record and raise the error.
        """
        record = self.read(forecast_id, now_ms=now_ms)
        if record is not None and record["state"] != FAILED:
            return record
        record = running(now_ms=now_ms)
        self.write(forecast_id, record)
        event = orjson.dumps({"forecast": {"id": forecast_id, **request.to_json()}})
        try:
            with translate_aws_errors(f"function {function}"):
                lambda_.invoke(FunctionName=function, InvocationType="Event", Payload=event)
        except AlsolikeError as error:
            self.write(forecast_id, record | {"state": FAILED, "reason": str(error)})
            raise
        return record

    def _object(self, forecast_id: str) -> S3Object:
        return S3Object(self._client, self._bucket, f"{FORECASTS_PREFIX}{forecast_id}.json")


def running(*, now_ms: int) -> dict[str, Any]:
    """Return the record of a forecast that has just started.

    `step` and `share` are the current step and its completed share.
    """
    return {"state": RUNNING, "startedMs": now_ms, "step": None, "share": None, "reason": None, "forecast": None}
