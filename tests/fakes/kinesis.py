"""Kinesis in memory: streams whose records are in one shard."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.fakes.service import MemoryService, Request, Response, ServiceError, operation

SHARD_ID = "shardId-000000000000"


class MemoryKinesis(MemoryService):
    """All streams of one account."""

    def __init__(self) -> None:
        self._streams: dict[str, list[dict[str, Any]]] = {}
        self._shards: dict[str, int] = {}

    @operation("StreamName", "ShardCount")
    def create_stream(self, request: Request) -> Response:
        self._streams[request["StreamName"]] = []
        self._shards[request["StreamName"]] = request["ShardCount"]
        return {}

    @operation("StreamName")
    def describe_stream_summary(self, request: Request) -> Response:
        self._records(request["StreamName"])
        summary = {"StreamStatus": "ACTIVE", "OpenShardCount": self._shards[request["StreamName"]]}
        return {"StreamDescriptionSummary": {"StreamName": request["StreamName"], **summary}}

    @operation("StreamName")
    def delete_stream(self, request: Request) -> Response:
        self._records(request["StreamName"])
        del self._streams[request["StreamName"]]
        return {}

    @operation("StreamName", "Records")
    def put_records(self, request: Request) -> Response:
        records = self._records(request["StreamName"])
        if self._shards[request["StreamName"]] != 1:
            raise NotImplementedError("Streams of several shards take no records.")
        results = []
        for one in request["Records"]:
            number = f"{len(records):056}"
            arrived = dt.datetime.now(dt.UTC)
            records.append({**one, "SequenceNumber": number, "ApproximateArrivalTimestamp": arrived})
            results.append({"SequenceNumber": number, "ShardId": SHARD_ID})
        return {"FailedRecordCount": 0, "Records": results}

    @operation("StreamName")
    def list_shards(self, request: Request) -> Response:
        self._records(request["StreamName"])
        return {"Shards": [{"ShardId": SHARD_ID}]}

    @operation("StreamName", "ShardId", "ShardIteratorType")
    def get_shard_iterator(self, request: Request) -> Response:
        self._records(request["StreamName"])
        if request["ShardIteratorType"] != "TRIM_HORIZON":
            raise NotImplementedError("Shards can be read from their beginning only.")
        return {"ShardIterator": f"{request['StreamName']}:0"}

    @operation("ShardIterator")
    def get_records(self, request: Request) -> Response:
        stream, _, start = request["ShardIterator"].rpartition(":")
        records = self._records(stream)
        return {
            "Records": records[int(start) :],
            "NextShardIterator": f"{stream}:{len(records)}",
            "MillisBehindLatest": 0,
        }

    def _records(self, stream: str) -> list[dict[str, Any]]:
        if stream not in self._streams:
            raise ServiceError("ResourceNotFoundException", f"Stream {stream} under account not found.")
        return self._streams[stream]
