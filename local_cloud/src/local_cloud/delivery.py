"""Delivery of messages to a resource by ARN."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_cloud.deployment import Clients


class UndeliverableError(Exception):
    def __init__(self, arn: str) -> None:
        super().__init__(f"{arn} cannot be a target here: its kind is not implemented")


@dataclass(frozen=True, slots=True)
class Message:
    """JSON body of a message, with additional fields for some types of targets."""

    body: Any
    attributes: Mapping[str, str] = field(default_factory=dict)
    group_id: str | None = None
    partition_key: str | None = None
    source: str = "local"
    detail_type: str = "message"
    subject: str | None = None

    @property
    def text(self) -> str:
        return json.dumps(self.body, default=str)


class Delivery:
    def __init__(self, clients: Clients, *, invoke_later: Callable[[str, bytes], None]) -> None:
        self._clients = clients
        self._invoke_later = invoke_later

    def send(self, arn: str, message: Message) -> None:
        """Deliver a message once. Raise UndeliverableError for an unsupported target, or the error of the service."""
        service = arn.split(":")[2]
        sender = _SENDERS.get(service)
        if service == "lambda":
            self._invoke_later(arn, message.text.encode())
        elif sender is None:
            raise UndeliverableError(arn)
        else:
            sender(self._clients, arn, message)


def _send_to_queue(clients: Clients, arn: str, message: Message) -> None:
    sqs = clients("sqs")
    url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    fifo = {"MessageGroupId": message.group_id, "MessageDeduplicationId": str(uuid.uuid4())} if message.group_id else {}
    sqs.send_message(QueueUrl=url, MessageBody=message.text, MessageAttributes=_attributes(message), **fifo)


def _publish_to_topic(clients: Clients, arn: str, message: Message) -> None:
    subject = {"Subject": message.subject[:100]} if message.subject else {}  # Maximum length of a subject in SNS.
    clients("sns").publish(TopicArn=arn, Message=message.text, MessageAttributes=_attributes(message), **subject)


def _start_execution(clients: Clients, arn: str, message: Message) -> None:
    clients("stepfunctions").start_execution(stateMachineArn=arn, name=str(uuid.uuid4()), input=message.text)


def _put_record(clients: Clients, arn: str, message: Message) -> None:
    key = message.partition_key or str(uuid.uuid4())
    clients("kinesis").put_record(StreamARN=arn, Data=message.text.encode(), PartitionKey=key)


def _put_event(clients: Clients, arn: str, message: Message) -> None:
    body = message.body
    forwarded = isinstance(body, dict) and {"source", "detail-type", "detail"} <= set(body)
    clients("events").put_events(
        Entries=[
            {
                "EventBusName": arn.rpartition("/")[2],
                "Source": body["source"] if forwarded else message.source,
                "DetailType": body["detail-type"] if forwarded else message.detail_type,
                "Detail": json.dumps(body["detail"] if forwarded else body, default=str),
            }
        ]
    )


def _put_log_event(clients: Clients, arn: str, message: Message) -> None:
    logs, group, stream = clients("logs"), arn.split(":")[6], str(uuid.uuid4())
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    event = {"timestamp": int(time.time() * 1000), "message": message.text}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def _put_object(clients: Clients, arn: str, message: Message) -> None:
    bucket = arn.rpartition(":")[2]
    clients("s3").put_object(Bucket=bucket, Key=message.attributes["key"], Body=message.text.encode())


_SENDERS: Mapping[str, Callable[[Clients, str, Message], None]] = {
    "events": _put_event,
    "kinesis": _put_record,
    "logs": _put_log_event,
    "s3": _put_object,
    "sns": _publish_to_topic,
    "sqs": _send_to_queue,
    "states": _start_execution,
}


def _attributes(message: Message) -> dict[str, Any]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items() if value}
