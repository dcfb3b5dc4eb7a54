"""In-memory AWS: requests are built, signed and answered without leaving the process, and no service runs."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import orjson
from botocore.awsrequest import AWSResponse

import alsolike.runtime.aws

TABLE = "profiles"
BUCKET = "bucket"


class _Body(io.BytesIO):
    def stream(self, amount: int = 65_536, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(amount):
            yield chunk


def session() -> boto3.Session:
    """Return a session whose S3 and Kinesis take everything, and whose DynamoDB keeps items by profile id."""
    made = boto3.Session(aws_access_key_id="bench", aws_secret_access_key="bench", region_name="eu-west-1")
    made.events.register("before-send.s3", _s3)
    made.events.register("before-send.dynamodb", _dynamodb())
    made.events.register("before-send.kinesis", _kinesis)
    return made


def use_memory_transport() -> None:
    """Let every client of this process go through such a session; functions find the names of its stores."""
    os.environ.update(ARTEFACT_BUCKET=BUCKET, LAKE_BUCKET=BUCKET, PROFILES_TABLE=TABLE, SECRET_ARN="secret")
    boto3.DEFAULT_SESSION = session()
    setattr(alsolike.runtime.aws, "session", lambda: boto3.DEFAULT_SESSION._session)  # noqa: B010
    alsolike.runtime.aws.client.cache_clear()


def _s3(request: Any, **_: Any) -> AWSResponse:
    if request.method == "GET":
        return _answer(request, b"<Error><Code>NoSuchKey</Code></Error>", {}, status=404)
    return _answer(request, b"", {"ETag": '"0"'})


def _kinesis(request: Any, **_: Any) -> AWSResponse:
    taken = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
    records = [taken] * len(orjson.loads(request.body)["Records"])
    return _answer(request, orjson.dumps({"FailedRecordCount": 0, "Records": records}), {})


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
