"""Poller of a shard for a mapping. It filters records, gathers batches and processes them in order."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.delivery import Message, UndeliverableError
from local_cloud.events.clock import iso_text
from local_cloud.execution.asynchronous import response_context
from local_cloud.execution.function import InvocationResult
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.poller import LARGEST_BATCH_BYTES, Poller, PollerServices
from local_cloud.sources.stream_batches import Discarded, StreamBatches, StreamRecord

_SHORTEST_WAIT_S = 0.1
_LONGEST_WAIT_S = 0.5
_BATCH_INFO = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


class Shard(Protocol):
    """Shard of a Kinesis or DynamoDB stream, with the position of a mapping."""

    shard_id: str
    processed: Callable[[str], None]
    """Function that receives a record's number when this record and all earlier records are processed."""

    def read(self, limit: int) -> list[StreamRecord]:
        """Return up to `limit` records from the position, and advance the position."""

    def filterable(self, record: StreamRecord) -> Mapping[str, Any] | None:
        """Return the input of filters, or None if filters cannot read the record."""


class StreamPoller(Poller):
    def __init__(self, mapping: EventSourceMapping, shard: Shard, services: PollerServices) -> None:
        super().__init__(mapping, services)
        self._shard = shard
        self._batches = StreamBatches(mapping, invoke=self._deliver, discard=self._discard, pause=self._stopping.wait)
        self._gathered: list[StreamRecord] = []
        self._gathered_bytes = 0
        self._window_ends = 0.0

    def _run(self) -> None:
        wait_s = _SHORTEST_WAIT_S
        while not self._stopping.is_set():
            try:
                progress = self._is_enabled() and self._poll()
            except (BotoCoreError, ClientError) as error:
                self._report(error)
                progress = False
            wait_s = _SHORTEST_WAIT_S if progress else min(wait_s * 2, _LONGEST_WAIT_S)
            if not progress:
                left_s = self._window_ends - time.monotonic() if self._gathered else wait_s
                self._stopping.wait(max(0.0, min(wait_s, left_s)))

    def _poll(self) -> bool:
        """Read records once and process the complete batches. Return false if there was nothing to do."""
        records = self._shard.read(self.mapping.batch_size)
        for record in records:
            if self._filters and not self._passes_filters(self._shard.filterable(record)):
                self.counts["filtered"] += 1
                continue
            full = len(self._gathered) >= self.mapping.batch_size
            if full or self._gathered_bytes + record.size_bytes > LARGEST_BATCH_BYTES:
                self._process_batch()
            if not self._gathered:
                self._window_ends = time.monotonic() + self.mapping.window_s
            self._gathered.append(record)
            self._gathered_bytes += record.size_bytes
        full = len(self._gathered) >= self.mapping.batch_size
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
        age_ms = max(0.0, time.time() - records[-1].arrival_s) * 1000
        self._measure("IteratorAge", age_ms, unit="Milliseconds")
        if self.mapping.service == "kinesis":
            stream = self.mapping.source_arn.rpartition("/")[2]
            name = "GetRecords.IteratorAgeMilliseconds"
            self._services.metric("AWS/Kinesis", name, age_ms, unit="Milliseconds", StreamName=stream)
        return self.invoke_batch({"Records": [record.event for record in records]}, records=len(records))

    def _discard(self, discarded: Discarded) -> None:
        self.counts["discarded"] += len(discarded.records)
        if self.mapping.on_failure is None:
            return
        try:
            self._services.delivery.send(self.mapping.on_failure, self._failure_message(discarded))
        except (BotoCoreError, ClientError, UndeliverableError) as error:
            self._report(f"on-failure destination: {error}")
            return
        if self.mapping.counts_events:
            name, count = "OnFailureDestinationDeliveredEventCount", len(discarded.records)
            self._services.metric("AWS/Lambda", name, count, unit="Count", EventSourceMappingUUID=self.mapping.uuid)

    def _failure_message(self, discarded: Discarded) -> Message:
        """Return the message to the on-failure destination. Only S3 receives the records.

        https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
        """
        records, mapping, shard_id, now = discarded.records, self.mapping, self._shard.shard_id, datetime.now(UTC)
        record: dict[str, Any] = {
            "requestContext": {
                "requestId": discarded.outcome.request_id if discarded.outcome else str(uuid.uuid4()),
                "functionArn": mapping.function_arn,
                "condition": discarded.condition,
                "approximateInvokeCount": discarded.invocations,
            },
            "version": "1.0",
            "timestamp": iso_text(now),
            _BATCH_INFO[mapping.service]: {
                "shardId": shard_id,
                "startSequenceNumber": records[0].sequence_number,
                "endSequenceNumber": records[-1].sequence_number,
                "approximateArrivalOfFirstRecord": iso_text(datetime.fromtimestamp(records[0].arrival_s, UTC)),
                "approximateArrivalOfLastRecord": iso_text(datetime.fromtimestamp(records[-1].arrival_s, UTC)),
                "batchSize": len(records),
                "streamArn": mapping.source_arn,
            },
        }
        if discarded.outcome:
            record["responseContext"] = response_context(discarded.outcome)
        if mapping.on_failure and mapping.on_failure.split(":")[2] == "s3":
            record["payload"] = json.dumps({"Records": [stream_record.event for stream_record in records]})
            folder = f"aws/lambda/{mapping.uuid}/{shard_id}/{now:%Y/%m/%d}"
            return Message(record, attributes={"key": f"{folder}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"})
        return Message(record)
