"""Poller of an SQS queue for a mapping. Failed messages reappear after the queue's visibility timeout."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.execution.function import ThrottledError
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.poller import NotInvokedError, Poller, PollerServices, failed_items

_MAX_PER_REQUEST = 10
_LONG_POLL_S = 1
_WAIT_S = 0.2


class QueuePoller(Poller):
    def __init__(self, mapping: EventSourceMapping, services: PollerServices) -> None:
        super().__init__(mapping, services)
        self._sqs = services.clients("sqs")
        self._url = self._sqs.get_queue_url(QueueName=mapping.source_arn.rpartition(":")[2])["QueueUrl"]

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._is_enabled():
                    self._process(self._gather())
                else:
                    self._stopping.wait(_WAIT_S)
            except (BotoCoreError, ClientError) as error:
                if not self._stopping.wait(_WAIT_S):
                    self._report(error)

    def _gather(self) -> list[dict[str, Any]]:
        """Receive messages until the batch is full or its window ends. The window starts with the first message.

        Return an empty list if the first request finds no messages.
        """
        messages: list[dict[str, Any]] = []
        window_ends = float("inf")
        while not self._stopping.is_set():
            received = self._receive(self.mapping.batch_size - len(messages))
            if received and not messages:
                window_ends = time.monotonic() + self.mapping.window_s
            messages += received
            if not messages or len(messages) >= self.mapping.batch_size or time.monotonic() >= window_ends:
                break
        return messages

    def _receive(self, maximum: int) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(maximum, _MAX_PER_REQUEST),
            WaitTimeSeconds=_LONG_POLL_S,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        records = [self._record(message) for message in answer.get("Messages", [])]
        if not self._filters:
            return records
        kept = [record for record in records if self._passes_filters(_filterable(record))]
        # Lambda also deletes messages that its filters exclude.
        self._delete([record for record in records if record not in kept])
        self.counts["filtered"] += len(records) - len(kept)
        return kept

    def _process(self, records: Sequence[Mapping[str, Any]]) -> None:
        if not records:
            return
        identifiers = [record["messageId"] for record in records]
        try:
            outcome = self.invoke_batch({"Records": records}, records=len(records))
        except (ThrottledError, NotInvokedError):
            self._stopping.wait(_WAIT_S)
            return
        if outcome.error is not None:
            return
        failed = failed_items(outcome.payload, identifiers) if self.mapping.partial_responses else set()
        self._delete([record for record in records if record["messageId"] not in failed])

    def _delete(self, records: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(records), _MAX_PER_REQUEST):
            entries = [
                {"Id": str(position), "ReceiptHandle": record["receiptHandle"]}
                for position, record in enumerate(records[start : start + _MAX_PER_REQUEST])
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _record(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {
                name: {
                    "stringValue": attribute.get("StringValue"),
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": attribute["DataType"],
                }
                for name, attribute in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.mapping.source_arn,
            "awsRegion": self.mapping.source_arn.split(":")[3],
        }


def _filterable(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the input of filters: the message, whose body is parsed if it is JSON."""
    try:
        return {**record, "body": json.loads(record["body"])}
    except ValueError:
        return record
