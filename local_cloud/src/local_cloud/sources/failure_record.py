"""Message to an on-failure destination about discarded records. Only S3 receives the records.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from local_cloud.delivery import Message
from local_cloud.events.clock import iso_text
from local_cloud.execution.asynchronous import response_context
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.stream_retries import Discarded

_BATCH_INFO = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


def invocation_record(mapping: EventSourceMapping, shard_id: str, discarded: Discarded, *, now: datetime) -> Message:
    records = discarded.records
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
