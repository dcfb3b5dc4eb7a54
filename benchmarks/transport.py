"""In-memory AWS for boto3. Requests are built and signed, but answered within the process."""

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
    """Return a session whose S3 and Kinesis discard all data, and whose DynamoDB stores profiles."""
    made = boto3.Session(aws_access_key_id="bench", aws_secret_access_key="bench", region_name="eu-west-1")
    made.events.register("before-send.s3", _s3)
    made.events.register("before-send.dynamodb", _dynamodb())
    made.events.register("before-send.kinesis", _kinesis)
    return made


def use_memory_transport() -> None:
    """Replace the process's default session, and set the variables with names of buckets and tables."""
    os.environ.update(ARTEFACT_BUCKET=BUCKET, LAKE_BUCKET=BUCKET, PROFILES_TABLE=TABLE, SECRET_ARN="secret")
    boto3.DEFAULT_SESSION = session()
    setattr(alsolike.runtime.aws, "session", lambda: boto3.DEFAULT_SESSION._session)  # noqa: B010
    alsolike.runtime.aws.client.cache_clear()


def _s3(request: Any, **_: Any) -> AWSResponse:
    if "list-type=2" in request.url:
        return _answer(request, b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>", {})
    if request.method == "GET":
        return _answer(request, b"<Error><Code>NoSuchKey</Code></Error>", {}, status=404)
    return _answer(request, b"", {"ETag": '"0"'})


def _kinesis(request: Any, **_: Any) -> AWSResponse:
    taken = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
    records = [taken] * len(orjson.loads(request.body)["Records"])
    return _answer(request, orjson.dumps({"FailedRecordCount": 0, "Records": records}), {})


def _dynamodb() -> Callable[..., AWSResponse]:
    """Return a handler of DynamoDB calls on one table.

    Conditions always succeed. Queries return the newest items first.
    """
    partitions: dict[str, dict[str, Any]] = {}

    def items_of(profile_id: str) -> dict[str, Any]:
        return partitions.setdefault(profile_id, {})

    def put(item: Any) -> None:
        items_of(item["profile_id"]["S"])[item.get("sort_key", {"S": ""})["S"]] = item

    def get(key: Any) -> Any:
        return items_of(key["profile_id"]["S"]).get(key.get("sort_key", {"S": ""})["S"])

    def query(values: Any, limit: int) -> list[Any]:
        items = items_of(values[":profile"]["S"])
        first, last = values[":first"]["S"], values.get(":before", {"S": "\x7f"})["S"]
        return [items[key] for key in sorted(items, reverse=True) if first <= key <= last][:limit]

    reads: dict[tuple[bytes, bytes], bytes] = {}

    def answer(request: Any, **_: Any) -> AWSResponse:
        """Answer a call. Responses to reads are cached until the next write, or until GetItem finds no item."""
        question = request.headers["X-Amz-Target"], request.body
        if question in reads:
            return _answer(request, reads[question], {})
        call = orjson.loads(request.body)
        response: dict[str, Any] = {}
        match request.headers["X-Amz-Target"].decode().rpartition(".")[2]:
            case "PutItem":
                put(call["Item"])
            case "BatchWriteItem":
                for each in call["RequestItems"][TABLE]:
                    put(each["PutRequest"]["Item"])
            case "GetItem":
                response = {"Item": found} if (found := get(call["Key"])) else {}
            case "BatchGetItem":
                found = [item for key in call["RequestItems"][TABLE]["Keys"] if (item := get(key))]
                response = {"Responses": {TABLE: found}}
            case "Query":
                names = call.get("ProjectionExpression", "").split(", ")
                items = query(call["ExpressionAttributeValues"], call.get("Limit", 1_000_000))
                response = {"Items": [{k: v for k, v in item.items() if names == [""] or k in names} for item in items]}
        if response:
            reads[question] = orjson.dumps(response)
        else:
            reads.clear()
        return _answer(request, orjson.dumps(response), {})

    return answer


def _answer(request: Any, body: bytes, headers: dict[str, str], *, status: int = 200) -> AWSResponse:
    return AWSResponse(request.url, status, headers, _Body(body))
