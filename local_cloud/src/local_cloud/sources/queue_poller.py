"""Poller of an SQS queue for a mapping. Failed messages reappear after the queue's visibility timeout."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.deployment import Clients
from local_cloud.execution.function import FunctionNotFoundError, ThrottledError
from local_cloud.sources.batch_item_failures import failed_items
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.poller import Poller

_MAX_PER_REQUEST = 10
_LONG_POLL_S = 1
_WAIT_S = 0.2


class QueuePoller(Poller):
    def __init__(
        self,
        mapping: EventSourceMapping,
        clients: Clients,
        *,
        matches: Callable[[Mapping[str, Any] | None], bool],
        **common: Any,
    ) -> None:
        super().__init__(mapping, **common)
        self._sqs = clients("sqs")
        self._url = self._sqs.get_queue_url(QueueName=mapping.source_arn.rpartition(":")[2])["QueueUrl"]
        self._matches = matches

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._enabled():
                    self._process(self._gather())
                else:
                    self._stopping.wait(_WAIT_S)
            except (BotoCoreError, ClientError, FunctionNotFoundError) as error:
                if not self._stopping.wait(_WAIT_S):
                    self._report(error)

    def _gather(self) -> list[dict[str, Any]]:
        """Receive messages until the batch is full or its window ends. The window starts with the first message.

        Return an empty list if the first request finds no messages.
        """
        messages: list[dict[str, Any]] = []
        window_ends = float("inf")
        while not self._stopping.is_set():
            received = self._receive(self._mapping.batch_size - len(messages))
            if received and not messages:
                window_ends = time.monotonic() + self._mapping.window_s
            messages += received
            if not messages or len(messages) >= self._mapping.batch_size or time.monotonic() >= window_ends:
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
        if not self._mapping.filters:
            return records
        kept = [record for record in records if self._matches(filterable(record))]
        # Lambda also deletes messages that its filters exclude.
        self._delete([record for record in records if record not in kept])
        self._counts["filtered"] += len(records) - len(kept)
        return kept

    def _process(self, records: Sequence[Mapping[str, Any]]) -> None:
        if not records:
            return
        identifiers = [record["messageId"] for record in records]
        self._counts["batches"] += 1
        self._counts["records"] += len(records)
        try:
            outcome = self._invoke(self._mapping.function_arn, json.dumps({"Records": records}).encode())
        except ThrottledError:
            self._stopping.wait(_WAIT_S)
            return
        if outcome.error is not None:
            return
        failed = failed_items(outcome.payload, identifiers) if self._mapping.partial_responses else set()
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
            "eventSourceARN": self._mapping.source_arn,
            "awsRegion": self._mapping.source_arn.split(":")[3],
        }


def filterable(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the input of filters: the message, whose body is parsed if it is JSON."""
    try:
        return {**record, "body": json.loads(record["body"])}
    except ValueError:
        return record
