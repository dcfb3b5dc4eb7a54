"""In-memory AWS: requests are built, signed and answered without leaving the process, and no service runs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import orjson
from botocore.awsrequest import AWSResponse

TABLE = "profiles"
BUCKET = "bucket"


class _Body(io.BytesIO):
    def stream(self, amount: int = 65_536, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(amount):
            yield chunk


def session() -> boto3.Session:
    """Return a session whose S3 takes everything and gives nothing, whose DynamoDB keeps items by profile id."""
    made = boto3.Session(aws_access_key_id="bench", aws_secret_access_key="bench", region_name="eu-west-1")
    made.events.register("before-send.s3", _s3)
    made.events.register("before-send.dynamodb", _dynamodb())
    return made


def _s3(request: Any, **_: Any) -> AWSResponse:
    if request.method == "GET":
        return _answer(request, b"<Error><Code>NoSuchKey</Code></Error>", {}, status=404)
    return _answer(request, b"", {"ETag": '"0"'})


def _dynamodb() -> Callable[..., AWSResponse]:
    items: dict[str, Any] = {}

    def answer(request: Any, **_: Any) -> AWSResponse:
        call = orjson.loads(request.body)
        if request.headers["X-Amz-Target"].endswith(b"GetItem"):
            found = items.get(call["Key"]["profile_id"]["S"])
            return _answer(request, orjson.dumps({"Item": found} if found else {}), {})
        items[call["Item"]["profile_id"]["S"]] = call["Item"]
        return _answer(request, b"{}", {})

    return answer


def _answer(request: Any, body: bytes, headers: dict[str, str], *, status: int = 200) -> AWSResponse:
    return AWSResponse(request.url, status, headers, _Body(body))
