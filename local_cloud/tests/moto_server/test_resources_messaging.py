import json
from typing import Any

import pytest

from local_cloud.deployer import DeploymentError, Resource
from moto_cloud import ACCOUNT, REGION, MotoCloud

ALLOW_SEND: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "*", "Resource": "*"}
    ],
}


def with_thing(cloud: MotoCloud, resource_type: str, other: dict[str, Any], **properties: Any) -> list[Resource]:
    thing = {"Type": resource_type, "Properties": properties, "DependsOn": "Other"}
    return list(cloud.deploy_template({"Resources": {"Other": other, "Thing": thing}}).resources)


def test_queue_has_its_attributes(cloud: MotoCloud) -> None:
    dead_letters, queue = with_thing(
        cloud,
        "AWS::SQS::Queue",
        {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead"}},
        VisibilityTimeout=60,
        MessageRetentionPeriod=1_209_600,
        SqsManagedSseEnabled=True,
        RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Other", "Arn"]}, "maxReceiveCount": 3},
        RedriveAllowPolicy={"redrivePermission": "denyAll"},
        Tags=[{"Key": "team", "Value": "shop"}],
    )

    sqs = cloud.client("sqs")
    stored = sqs.get_queue_attributes(QueueUrl=queue.physical_id, AttributeNames=["All"])["Attributes"]
    assert stored["VisibilityTimeout"] == "60"
    assert stored["MessageRetentionPeriod"] == "1209600"
    assert stored["SqsManagedSseEnabled"] == "true"
    assert json.loads(stored["RedrivePolicy"]) == {
        "deadLetterTargetArn": dead_letters.attributes["Arn"],
        "maxReceiveCount": 3,
    }
    assert sqs.list_queue_tags(QueueUrl=queue.physical_id)["Tags"] == {"team": "shop"}
    assert queue.properties["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


def test_fifo_queue_name_ends_with_fifo(cloud: MotoCloud) -> None:
    queue = cloud.create("AWS::SQS::Queue", FifoQueue=True, ContentBasedDeduplication=True)

    assert queue.attributes["QueueName"].endswith(".fifo")


def test_queue_has_its_policy(cloud: MotoCloud) -> None:
    queue, _ = with_thing(
        cloud,
        "AWS::SQS::QueuePolicy",
        {"Type": "AWS::SQS::Queue"},
        Queues=[{"Ref": "Other"}],
        PolicyDocument=ALLOW_SEND,
    )

    stored = cloud.client("sqs").get_queue_attributes(QueueUrl=queue.physical_id, AttributeNames=["Policy"])
    assert json.loads(stored["Attributes"]["Policy"]) == ALLOW_SEND


def test_topic_has_its_attributes_policy_and_subscription(cloud: MotoCloud) -> None:
    topic = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"DisplayName": "Alerts", "KmsMasterKeyId": "alias/aws/sns", "TracingConfig": "Active"},
    }
    policy = {
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": ALLOW_SEND},
    }
    subscription = {
        "Type": "AWS::SNS::Subscription",
        "Properties": {
            "TopicArn": {"Ref": "Topic"},
            "Protocol": "email",
            "Endpoint": "shop@example.com",
            "FilterPolicy": {"severity": ["high"]},
            "RawMessageDelivery": False,
        },
    }

    deployment = cloud.deploy_template({"Resources": {"Topic": topic, "Policy": policy, "Subscription": subscription}})

    sns = cloud.client("sns")
    (created,) = deployment.of_type("AWS::SNS::Topic")
    stored = sns.get_topic_attributes(TopicArn=created.physical_id)["Attributes"]
    assert (stored["DisplayName"], stored["KmsMasterKeyId"]) == ("Alerts", "alias/aws/sns")
    assert json.loads(stored["Policy"]) == ALLOW_SEND
    (subscribed,) = deployment.of_type("AWS::SNS::Subscription")
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscribed.physical_id)["Attributes"]
    assert attributes["Endpoint"] == "shop@example.com"
    assert json.loads(attributes["FilterPolicy"]) == {"severity": ["high"]}
    assert created.properties["TracingConfig"] == "Active"


def test_rule_has_its_pattern_and_targets(cloud: MotoCloud) -> None:
    target = {
        "Id": "Target0",
        "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f",
        "InputTransformer": {"InputPathsMap": {"key": "$.detail.object.key"}, "InputTemplate": "<key>"},
        "RetryPolicy": {"MaximumRetryAttempts": 2},
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"},
    }
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": ["lake"]}}}

    rule = cloud.create("AWS::Events::Rule", EventPattern=pattern, State="ENABLED", Targets=[target])

    events = cloud.client("events")
    stored = events.describe_rule(Name=rule.physical_id)
    assert (json.loads(stored["EventPattern"]), stored["State"]) == (pattern, "ENABLED")
    assert stored["Arn"] == rule.attributes["Arn"]
    assert events.list_targets_by_rule(Rule=rule.physical_id)["Targets"] == [target]


def test_rule_of_another_bus_is_on_that_bus(cloud: MotoCloud) -> None:
    _, rule = with_thing(
        cloud,
        "AWS::Events::Rule",
        {"Type": "AWS::Events::EventBus", "Properties": {"Name": "orders"}},
        Name="paid",
        EventBusName={"Ref": "Other"},
        EventPattern={"source": ["shop"]},
    )

    assert rule.physical_id == "orders|paid"
    assert cloud.client("events").describe_rule(Name="paid", EventBusName="orders")["EventBusName"] == "orders"


def test_schedule_has_its_expression_and_target(cloud: MotoCloud) -> None:
    target = {
        "Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:training",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/schedule",
        "Input": '{"by": "schedule"}',
        "RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60},
    }

    _, schedule = with_thing(
        cloud,
        "AWS::Scheduler::Schedule",
        {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "nightly"}},
        GroupName={"Ref": "Other"},
        ScheduleExpression="cron(0 3 * * ? *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        FlexibleTimeWindow={"Mode": "OFF"},
        State="DISABLED",
        Target=target,
    )

    stored = cloud.client("scheduler").get_schedule(Name=schedule.physical_id, GroupName="nightly")
    assert (stored["ScheduleExpression"], stored["State"]) == ("cron(0 3 * * ? *)", "DISABLED")
    assert stored["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert stored["Target"] == target
    assert stored["Arn"] == schedule.attributes["Arn"]


def test_log_group_has_its_retention_and_filters(cloud: MotoCloud) -> None:
    group = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": "/shop/collect", "RetentionInDays": 7},
    }
    metric = {
        "MetricName": "Errors",
        "MetricNamespace": "Shop",
        "MetricValue": "1",
        "DefaultValue": 0,
        "Unit": "Count",
        "Dimensions": [{"Key": "service", "Value": "$.service"}],
    }

    _, metric_filter = with_thing(
        cloud,
        "AWS::Logs::MetricFilter",
        group,
        LogGroupName={"Ref": "Other"},
        FilterPattern='{ $.level = "ERROR" }',
        MetricTransformations=[metric],
    )

    logs = cloud.client("logs")
    (stored,) = logs.describe_log_groups()["logGroups"]
    assert (stored["logGroupName"], stored["retentionInDays"]) == ("/shop/collect", 7)
    (filtered,) = logs.describe_metric_filters(logGroupName="/shop/collect")["metricFilters"]
    assert filtered["filterName"] == metric_filter.physical_id
    assert filtered["metricTransformations"] == [
        {
            "metricName": "Errors",
            "metricNamespace": "Shop",
            "metricValue": "1",
            "defaultValue": 0,
            "unit": "Count",
            "dimensions": {"service": "$.service"},
        }
    ]


def test_log_group_has_its_subscription(cloud: MotoCloud) -> None:
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}}
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "served"}}
    subscription = {
        "Type": "AWS::Logs::SubscriptionFilter",
        "Properties": {
            "LogGroupName": {"Ref": "Group"},
            "FilterPattern": "{ $.kind = 1 }",
            "DestinationArn": {"Fn::GetAtt": ["Stream", "Arn"]},
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/logs",
        },
    }

    deployment = cloud.deploy_template({"Resources": {"Stream": stream, "Group": group, "Subscription": subscription}})

    (created,) = deployment.of_type("AWS::Kinesis::Stream")
    stored = cloud.client("logs").describe_subscription_filters(logGroupName="served")
    (subscribed,) = stored["subscriptionFilters"]
    assert subscribed["destinationArn"] == created.attributes["Arn"]
    assert subscribed["filterPattern"] == "{ $.kind = 1 }"


def test_subscription_with_an_unknown_pattern_is_refused(cloud: MotoCloud) -> None:
    with pytest.raises(DeploymentError, match=r"FilterPattern.*\[a, b\]"):
        cloud.create(
            "AWS::Logs::SubscriptionFilter", LogGroupName="served", FilterPattern="[a, b]", DestinationArn="arn:x"
        )


@pytest.mark.parametrize("document", [ALLOW_SEND, json.dumps(ALLOW_SEND)])
def test_logs_have_their_resource_policy(cloud: MotoCloud, document: Any) -> None:
    cloud.create("AWS::Logs::ResourcePolicy", PolicyName="events", PolicyDocument=document)

    (stored,) = cloud.client("logs").describe_resource_policies()["resourcePolicies"]
    assert stored["policyName"] == "events"
    assert json.loads(stored["policyDocument"]) == ALLOW_SEND
