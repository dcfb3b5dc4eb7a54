"""SQS queues and their policies."""

import json
from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType, attribute_text

_ATTRIBUTES = (
    "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds", "RedrivePolicy", "SqsManagedSseEnabled",
    "VisibilityTimeout",
)  # fmt: skip


def _create_queue(creation: Creation) -> Created:
    properties = creation.properties
    attributes = properties.take(*_ATTRIBUTES)
    name = creation.name("QueueName", limit=80, suffix=".fifo" if attributes.get("FifoQueue") else "")
    url = creation.clients("sqs").create_queue(
        QueueName=name,
        Attributes={attribute: attribute_text(value) for attribute, value in attributes.items()},
        tags=creation.tag_map(),
    )["QueueUrl"]
    return Created(url, {"Arn": creation.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _create_queue_policy(creation: Creation) -> Created:
    policy = json.dumps(creation.properties["PolicyDocument"])
    for url in creation.properties["Queues"]:
        creation.clients("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return Created(creation.name(None, limit=128))


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::SQS::Queue": ResourceType(
        _create_queue, kept={"RedriveAllowPolicy": "moto accepts it but does not store it; any queue may redrive here"}
    ),
    "AWS::SQS::QueuePolicy": ResourceType(_create_queue_policy),
}
