"""Topic that notifies operators of failures."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra_cdk.schedules import longest_gap_hours
from infra_cdk.settings import Settings


def look_back(schedule: str | None) -> cdk.Duration:
    """Return how far back an alarm looks on what a schedule starts: an hour where none does.

    Nothing is sent between two calls: a shorter period would call all well until the next. CloudWatch keeps a week in
    view at most.
    """
    return cdk.Duration.hours(1 if schedule is None else longest_gap_hours(schedule))


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


def alarm(
    scope: Construct,
    construct_id: str,
    *,
    metric: cloudwatch.IMetric,
    above: int,
    periods: int,
    description: str,
    alerts: sns.ITopic,
    of: int | None = None,
) -> cloudwatch.Alarm:
    """Tell people when a metric is above a number for so many of its periods, and when it no longer is.

    Parameters
    ----------
    of
        The latest periods, any `periods` of which have to be above: what is not sent each period is never above in
        several in a row. None for as many.
    """
    made = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=above,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=periods if of is None else of,
        datapoints_to_alarm=None if of is None else periods,
        alarm_description=description,
        # Nothing arrives, so nothing is wrong with it.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    made.add_alarm_action(actions.SnsAction(alerts))
    made.add_ok_action(actions.SnsAction(alerts))
    return made
