"""Poller of a shard for a mapping. It filters records, gathers batches and processes them in order."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.delivery import Delivery, UndeliverableError
from local_cloud.execution.function import InvocationResult, dimensions_of
from local_cloud.sources.failure_record import invocation_record
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.poller import Poller
from local_cloud.sources.shards import Shard
from local_cloud.sources.stream_retries import Discarded, StreamBatches, StreamRecord
from local_cloud.telemetry.log_sender import TakeMetric

LARGEST_BATCH_BYTES = 6 * 1024 * 1024
_SHORTEST_WAIT_S = 0.1
_LONGEST_WAIT_S = 0.5


class StreamPoller(Poller):
    def __init__(
        self,
        mapping: EventSourceMapping,
        shard: Shard,
        *,
        matches: Callable[[Mapping[str, Any] | None], bool],
        delivery: Delivery,
        metric: TakeMetric,
        **common: Any,
    ) -> None:
        super().__init__(mapping, **common)
        self._shard = shard
        self._matches = matches
        self._delivery = delivery
        self._metric = metric
        self._batches = StreamBatches(mapping, invoke=self._deliver, discard=self._discard, pause=self._stopping.wait)
        self._gathered: list[StreamRecord] = []
        self._gathered_bytes = 0
        self._window_ends = 0.0

    def _run(self) -> None:
        wait_s = _SHORTEST_WAIT_S
        while not self._stopping.is_set():
            try:
                progress = self._enabled() and self._poll()
            except (BotoCoreError, ClientError) as error:
                self._report(error)
                progress = False
            wait_s = _SHORTEST_WAIT_S if progress else min(wait_s * 2, _LONGEST_WAIT_S)
            if not progress:
                left_s = self._window_ends - time.monotonic() if self._gathered else wait_s
                self._stopping.wait(max(0.0, min(wait_s, left_s)))

    def _poll(self) -> bool:
        """Read records once and process the complete batches. Return false if there was nothing to do."""
        records = self._shard.read(self._mapping.batch_size)
        for record in records:
            if self._mapping.filters and not self._matches(self._shard.filterable(record)):
                self._counts["filtered"] += 1
                continue
            full = len(self._gathered) >= self._mapping.batch_size
            if full or self._gathered_bytes + record.size_bytes > LARGEST_BATCH_BYTES:
                self._process_batch()
            if not self._gathered:
                self._window_ends = time.monotonic() + self._mapping.window_s
            self._gathered.append(record)
            self._gathered_bytes += record.size_bytes
        full = len(self._gathered) >= self._mapping.batch_size
        if records and not self._gathered:
            self._processed(records[-1])
        if self._gathered and (full or time.monotonic() >= self._window_ends):
            self._process_batch()
            return True
        return bool(records)

    def _process_batch(self) -> None:
        batch, self._gathered, self._gathered_bytes = self._gathered, [], 0
        if batch:
            self._batches.process(batch)
            self._processed(batch[-1])

    def _processed(self, last: StreamRecord) -> None:
        if not self._stopping.is_set():  # an interrupted batch is delivered again at the next start
            self._shard.processed(last.sequence_number)

    def _deliver(self, records: Sequence[StreamRecord]) -> InvocationResult:
        self._record_age(records[-1])
        return self.invoke_batch({"Records": [record.event for record in records]}, records=len(records))

    def _record_age(self, last: StreamRecord) -> None:
        """Record the age of the batch's last record as a metric, as Lambda and Kinesis do."""
        age_ms = max(0.0, time.time() - last.arrival_s) * 1000
        function_arn = self._mapping.function_arn
        for dimensions in dimensions_of(function_arn.split(":")[6], function_arn):
            self._metric("AWS/Lambda", "IteratorAge", age_ms, unit="Milliseconds", **dimensions)
        if self._mapping.service == "kinesis":
            stream = self._mapping.source_arn.rpartition("/")[2]
            name = "GetRecords.IteratorAgeMilliseconds"
            self._metric("AWS/Kinesis", name, age_ms, unit="Milliseconds", StreamName=stream)

    def _discard(self, discarded: Discarded) -> None:
        self._counts["discarded"] += len(discarded.records)
        if self._mapping.on_failure is None:
            return
        message = invocation_record(self._mapping, self._shard.shard_id, discarded, now=datetime.now(UTC))
        try:
            self._delivery.send(self._mapping.on_failure, message)
        except (BotoCoreError, ClientError, UndeliverableError) as error:
            self._report(f"on-failure destination: {error}")
            return
        if self._mapping.counts_events:
            name, count = "OnFailureDestinationDeliveredEventCount", len(discarded.records)
            self._metric("AWS/Lambda", name, count, unit="Count", EventSourceMappingUUID=self._mapping.uuid)
