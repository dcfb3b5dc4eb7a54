"""SQS queues and their policies."""

import json

from local_cloud.resources.resource_type import Created, Creation, creates

_ATTRIBUTES = (
    "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds", "RedrivePolicy", "SqsManagedSseEnabled",
    "VisibilityTimeout",
)  # fmt: skip


@creates(
    "AWS::SQS::Queue", kept={"RedriveAllowPolicy": "moto accepts it but does not store it; any queue may redrive here"}
)
def _create_queue(creation: Creation) -> Created:
    name = creation.name("QueueName", limit=80, suffix=".fifo" if creation.properties.get("FifoQueue") else "")
    url = creation.clients("sqs").create_queue(
        QueueName=name, Attributes=creation.attributes(*_ATTRIBUTES), tags=creation.tag_map()
    )["QueueUrl"]
    return Created(url, {"Arn": creation.arn("sqs", name), "QueueName": name, "QueueUrl": url})


@creates("AWS::SQS::QueuePolicy")
def _create_queue_policy(creation: Creation) -> Created:
    policy = json.dumps(creation.properties["PolicyDocument"])
    for url in creation.properties["Queues"]:
        creation.clients("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return Created(creation.name(None, limit=128))
