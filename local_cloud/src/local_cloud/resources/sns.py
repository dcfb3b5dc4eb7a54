"""SNS topics, their policies and subscriptions."""

import json

from local_cloud.resources.resource_type import Created, Creation, creates

_TOPIC_ATTRIBUTES = ("ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId")
_SUBSCRIPTION_ATTRIBUTES = (
    "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy",
    "SubscriptionRoleArn",
)  # fmt: skip


@creates(
    "AWS::SNS::Topic",
    kept={
        "FifoThroughputScope": "moto limits no throughput",
        "SignatureVersion": "moto signs in one way",
        "TracingConfig": "moto accepts it but does not store it",
    },
)
def _create_topic(creation: Creation) -> Created:
    properties, sns = creation.properties, creation.clients("sns")
    name = creation.name("TopicName", limit=256, suffix=".fifo" if properties.get("FifoTopic") else "")
    arn = sns.create_topic(Name=name, Attributes=creation.attributes(*_TOPIC_ATTRIBUTES), Tags=creation.tag_list())[
        "TopicArn"
    ]
    for subscription in properties.sections("Subscription"):
        sns.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])
    return Created(arn, {"TopicArn": arn, "TopicName": name})


@creates("AWS::SNS::TopicPolicy")
def _create_topic_policy(creation: Creation) -> Created:
    policy = json.dumps(creation.properties["PolicyDocument"])
    for arn in creation.properties["Topics"]:
        creation.clients("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return Created(creation.name(None, limit=128))


@creates("AWS::SNS::Subscription", kept={"Region": "all topics are in the region of the cloud"})
def _create_subscription(creation: Creation) -> Created:
    attributes = creation.attributes(*_SUBSCRIPTION_ATTRIBUTES)
    parameters = {"Attributes": attributes, "ReturnSubscriptionArn": True}
    arn = creation.call("sns", "subscribe", **parameters)["SubscriptionArn"]
    return Created(arn, {"Arn": arn})
