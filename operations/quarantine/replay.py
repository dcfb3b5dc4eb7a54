"""Replay of quarantined records to the stream.

An object is deleted after all its records are in the stream. If the process stops before the deletion, the next replay
sends the records again, and their event IDs prevent duplicates. Invalid records return to quarantine under a new key.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from alsolike.events.stream_writer import MAX_BYTES, MAX_RECORDS, calls
from alsolike.lake.quarantine import DeadLetter, original_key
from alsolike.runtime.errors import Unavailable
from operations.client.aws import translate_aws_errors
from operations.quarantine.store import QuarantineStore

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

MAX_ATTEMPTS = 8
FIRST_PAUSE_S = 0.1


@dataclasses.dataclass(slots=True)
class ReplayCounts:
    objects: int = 0
    records: int = 0
    not_replayable: int = 0


class Replayer:
    def __init__(
        self, deployment: Deployment, store: QuarantineStore, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client: Any = deployment.client("kinesis")
        self._stream = deployment.names.stream_name
        self._store = store
        self._sleep = sleep
        self.counts = ReplayCounts()

    def replay(self, selected: Iterable[DeadLetter], *, dry_run: bool = False) -> None:
        """Send the records of the selected objects to the stream. Delete each object after its records are sent.

        The `counts` of a dry run are the numbers that would be replayed. If the stream rejects a record `MAX_ATTEMPTS`
        times, its object, and objects sent with it, are not deleted.
        """
        group: list[DeadLetter] = []
        records = size = 0
        for letter in selected:
            if not letter.can_be_replayed:
                self.counts.not_replayable += 1
                continue
            group.append(letter)
            records += len(letter.records)
            size += sum(len(record.data) for record in letter.records)
            if records >= MAX_RECORDS or size >= MAX_BYTES:
                self._replay(group, dry_run=dry_run)
                group, records, size = [], 0, 0
        if group:
            self._replay(group, dry_run=dry_run)

    def _replay(self, group: Sequence[DeadLetter], *, dry_run: bool) -> None:
        records = [
            {"Data": record.data, "PartitionKey": original_key(record)} for letter in group for record in letter.records
        ]
        if not dry_run:
            for call in calls(records):
                self._put(call)
            self._store.delete(group)
        self.counts.objects += len(group)
        self.counts.records += len(records)

    def _put(self, left: list[dict[str, Any]]) -> None:
        pause_s = FIRST_PAUSE_S
        reason = ""
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                self._sleep(pause_s)
                pause_s *= 2
            with translate_aws_errors(f"stream {self._stream}"):
                answer = self._client.put_records(StreamName=self._stream, Records=left)
            results = list(zip(left, answer["Records"], strict=True))
            left = [record for record, result in results if result.get("ErrorCode")]
            if not left:
                return
            reason = next(result["ErrorCode"] for _, result in results if result.get("ErrorCode"))
        raise Unavailable(
            f"stream {self._stream} rejected {len(left)} records in {MAX_ATTEMPTS} attempts ({reason}); "
            "records that were not replayed remain in quarantine"
        )
