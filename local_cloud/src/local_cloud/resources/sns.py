"""SNS topics, their policies and subscriptions."""

import json
from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType, attribute_text

_TOPIC_ATTRIBUTES = ("ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId")
_SUBSCRIPTION_ATTRIBUTES = (
    "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy",
    "SubscriptionRoleArn",
)  # fmt: skip


def _create_topic(creation: Creation) -> Created:
    properties, sns = creation.properties, creation.clients("sns")
    attributes = properties.take(*_TOPIC_ATTRIBUTES)
    name = creation.name("TopicName", limit=256, suffix=".fifo" if attributes.get("FifoTopic") else "")
    arn = sns.create_topic(
        Name=name,
        Attributes={attribute: attribute_text(value) for attribute, value in attributes.items()},
        Tags=creation.tag_list(),
    )["TopicArn"]
    for subscription in properties.sections("Subscription"):
        sns.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])
    return Created(arn, {"TopicArn": arn, "TopicName": name})


def _create_topic_policy(creation: Creation) -> Created:
    policy = json.dumps(creation.properties["PolicyDocument"])
    for arn in creation.properties["Topics"]:
        creation.clients("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return Created(creation.name(None, limit=128))


def _create_subscription(creation: Creation) -> Created:
    properties = creation.properties
    attributes = properties.take(*_SUBSCRIPTION_ATTRIBUTES)
    arn = creation.clients("sns").subscribe(
        **properties.take("TopicArn", "Protocol", "Endpoint"),
        Attributes={attribute: attribute_text(value) for attribute, value in attributes.items()},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Created(arn, {"Arn": arn})


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::SNS::Topic": ResourceType(
        _create_topic,
        kept={
            "FifoThroughputScope": "moto limits no throughput",
            "SignatureVersion": "moto signs in one way",
            "TracingConfig": "moto accepts it but does not store it",
        },
    ),
    "AWS::SNS::TopicPolicy": ResourceType(_create_topic_policy),
    "AWS::SNS::Subscription": ResourceType(
        _create_subscription, kept={"Region": "all topics are in the region of the cloud"}
    ),
}
