"""Where people are told that something is wrong."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra_cdk.settings import Settings


def alerts_topic(scope: Construct, construct_id: str, *, settings: Settings) -> sns.Topic:
    """Create the topic that alarms and workflows publish to; the environment's address is subscribed."""
    topic = sns.Topic(scope, construct_id, enforce_ssl=True, display_name=f"Alsolike {settings.name}")
    # The policy that enforces TLS replaces the one by which every topic lets its account's alarms in.
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="AlarmsOfThisAccount",
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}},
        )
    )
    if settings.alarm_email:
        topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
    return topic
