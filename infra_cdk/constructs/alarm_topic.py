"""Topic and alarms that notify operators of failures."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra_cdk.schedule_gaps import longest_gap_hours
from infra_cdk.settings import Settings


def alarm_period(schedule: str | None) -> cdk.Duration:
    """Return the period of an alarm on a scheduled function: the longest gap of the schedule.

    The period is an hour if there is no schedule. A scheduled function writes no metrics between two runs, so with a
    shorter period the alarm would return to OK before the next run. The period is at most a week, CloudWatch's limit.
    """
    return cdk.Duration.hours(1 if schedule is None else longest_gap_hours(schedule))


def alerts_topic(scope: Construct, construct_id: str, *, settings: Settings) -> sns.Topic:
    topic = sns.Topic(scope, construct_id, enforce_ssl=True, display_name=f"Alsolike {settings.name}")
    # The policy that enforces TLS replaces a topic's default policy, which would let the account's alarms publish.
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
    window_periods: int | None = None,
) -> cloudwatch.Alarm:
    """Create an alarm that notifies the topic when a metric exceeds a threshold, and when the metric recovers.

    If `window_periods` is set, `periods` of the latest `window_periods` periods must exceed the threshold. This suits
    metrics that are not written in each period.
    """
    made = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=above,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=periods if window_periods is None else window_periods,
        datapoints_to_alarm=None if window_periods is None else periods,
        alarm_description=description,
        # Many metrics are written only with data or requests, so missing data is not a failure.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    made.add_alarm_action(actions.SnsAction(alerts))
    made.add_ok_action(actions.SnsAction(alerts))
    return made
