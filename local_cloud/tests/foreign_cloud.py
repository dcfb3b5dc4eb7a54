"""The foreign app on its cloud, as tests look at it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from local_cloud.client import Cloud

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], *, timeout_s: float = 20.0) -> Found:
    """Return the first true value that `look` gives; fail when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {timeout_s} s")
        time.sleep(0.05)
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ForeignCloud:
    """Client of the cloud that runs the foreign app."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def output(self, name: str) -> str:
        return self.cloud.output(name)

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def deliveries(self, consumer: str) -> list[Any]:
        """Return what a consumer noted, in the order of its invocations."""
        table = self.client("dynamodb")
        answer = table.query(
            TableName=self.output("Deliveries"),
            KeyConditionExpression="consumer = :c",
            ExpressionAttributeValues={":c": {"S": consumer}},
        )
        return [json.loads(item["content"]["S"]) for item in answer["Items"]]

    def invoke(self, output: str, event: Mapping[str, Any], **options: Any) -> tuple[Any, Mapping[str, Any]]:
        """Invoke the function of an output; return its payload and the whole answer."""
        answer = self.client("lambda").invoke(FunctionName=self.output(output), Payload=json.dumps(event), **options)
        payload = answer["Payload"].read()
        return (json.loads(payload) if payload else None), answer

    def messages(self, output: str, *, of: Callable[[dict[str, Any]], bool], timeout_s: float = 20.0) -> dict[str, Any]:
        """Wait for the first message in a queue that is `of` a kind, and delete it."""
        sqs, url = self.client("sqs"), self.output(output)

        def look() -> dict[str, Any] | None:
            found = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
            )
            for message in found.get("Messages", []):
                if of(message):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return dict(message)
            return None

        return eventually(look, timeout_s=timeout_s) or {}

    def http(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request to the HTTP API."""
        url = self.output("ApiUrl").rstrip("/") + path
        request = urllib.request.Request(url, method=method, data=body, headers=dict(headers or {}))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                found = response
                content = response.read()
        except urllib.error.HTTPError as error:
            found, content = error, error.read()
        headers_found = {name.lower(): value for name, value in found.headers.items()}
        return Answer(found.status, content, headers_found, tuple(found.headers.get_all("Set-Cookie") or ()))

    def log_lines(self, group: str) -> list[str]:
        """Return the lines of a log group; none before the first write."""
        self.cloud.flush()
        logs = self.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return []
        return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
