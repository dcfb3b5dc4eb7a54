"""Writer of interactions to the event stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from alsolike.events.interactions import Interaction
from alsolike.events.stream_records import partition_key
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import KinesisClient
from alsolike.runtime.errors import Unavailable

MAX_ATTEMPTS = 5
FIRST_PAUSE_S = 0.05
MAX_PAUSE_S = 1.0
ANSWER_TIME_MS = 1_000
"""Minimum remaining time for a further attempt, in milliseconds. The caller needs this time to respond."""
MAX_RECORDS = 500
"""Maximum number of records per call, as limited by Kinesis."""
MAX_BYTES = 4_000_000
"""Maximum size of the data in a call, below Kinesis's limit, which includes the partition keys."""


class EventStream:
    def __init__(
        self,
        client: KinesisClient,
        name: str,
        *,
        attempts: int = MAX_ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._name = name
        self._attempts = attempts
        self._sleep = sleep

    def put(self, interactions: Sequence[Interaction], *, remaining_ms: Callable[[], float]) -> None:
        """Put all interactions on the stream, retrying records that Kinesis rejects.

        `Unavailable` means that some interactions may not be on the stream. Callers can repeat the call, because
        duplicates have the same event IDs.
        """
        records = [
            {"Data": interaction.to_record(), "PartitionKey": partition_key(interaction.profile_id)}
            for interaction in interactions
        ]
        for call in calls(records):
            self._put_all(call, remaining_ms)

    def _put_all(self, records: list[dict[str, Any]], remaining_ms: Callable[[], float]) -> None:
        left = records
        pause_s = FIRST_PAUSE_S
        for attempt in range(1, self._attempts + 1):
            left, reason = self._put(left)
            if not left:
                return
            if attempt == self._attempts or remaining_ms() - pause_s * 1000 < ANSWER_TIME_MS:
                break
            self._sleep(pause_s)
            pause_s = min(pause_s * 2, MAX_PAUSE_S)
        raise Unavailable(
            f"{len(left)} of {len(records)} events could not be stored ({reason} after {attempt} attempts); "
            "send the same call again"
        )

    def _put(self, records: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
        """Return the records that the stream rejected, and the reason for the first rejected record."""
        try:
            with translate_aws_errors(f"stream {self._name}"):
                answer = self._client.put_records(StreamName=self._name, Records=records)
        except Unavailable as error:
            raise Unavailable("the event stream does not answer; send the same call again") from error
        results = answer["Records"]
        failed = [record for record, result in zip(records, results, strict=True) if result.get("ErrorCode")]
        return failed, next((result["ErrorCode"] for result in results if result.get("ErrorCode")), "")


def calls(records: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    call: list[dict[str, Any]] = []
    size_bytes = 0
    for record in records:
        if call and (len(call) == MAX_RECORDS or size_bytes + len(record["Data"]) > MAX_BYTES):
            yield call
            call, size_bytes = [], 0
        call.append(record)
        size_bytes += len(record["Data"])
    if call:
        yield call
