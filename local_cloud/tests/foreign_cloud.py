"""Client of the cloud that runs the foreign app, with the helpers of its tests."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from local_cloud.client import Cloud

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], *, timeout_s: float = 120.0) -> Found:
    """Call `look` until its result is true, and return the result. The timeout is long for busy machines."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {timeout_s} s")
        time.sleep(0.05)
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ForeignCloud:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def output(self, name: str) -> str:
        return self.cloud.output(name)

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def deliveries(self, consumer: str) -> list[Any]:
        """Return the recorded content of each invocation of a consumer, in order."""
        table = self.client("dynamodb")
        answer = table.query(
            TableName=self.output("Deliveries"),
            KeyConditionExpression="consumer = :c",
            ExpressionAttributeValues={":c": {"S": consumer}},
        )
        return [json.loads(item["content"]["S"]) for item in answer["Items"]]

    def invoke(self, output: str, event: Mapping[str, Any], **options: Any) -> tuple[Any, Mapping[str, Any]]:
        answer = self.client("lambda").invoke(FunctionName=self.output(output), Payload=json.dumps(event), **options)
        payload = answer["Payload"].read()
        return (json.loads(payload) if payload else None), answer

    def messages(self, output: str, *, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        sqs, url = self.client("sqs"), self.output(output)

        def look() -> dict[str, Any] | None:
            found = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
            )
            for message in found.get("Messages", []):
                if matches(message):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return dict(message)
            return None

        return eventually(look) or {}

    def http(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        url = self.output("ApiUrl").rstrip("/") + path
        request = urllib.request.Request(url, method=method, data=body, headers=dict(headers or {}))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                found = response
                content = response.read()
        except urllib.error.HTTPError as error:
            found, content = error, error.read()
        headers_found = {name.lower(): value for name, value in found.headers.items()}
        return Answer(found.status, content, headers_found, tuple(found.headers.get_all("Set-Cookie") or ()))

    def log_lines(self, group: str) -> list[str]:
        self.cloud.flush()
        logs = self.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return []
        return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
