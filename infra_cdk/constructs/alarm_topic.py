"""Topic and alarms that notify operators of failures."""

from collections.abc import Sequence

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


class Alerts(sns.Topic):
    """Topic that notifies operators, and its alarms. Each alarm has a runbook in `docs/runbooks`."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, enforce_ssl=True, display_name=f"Alsolike {settings.name}")
        self.environment = settings.name
        # The policy that enforces TLS replaces a topic's default policy, which would let the account's alarms publish.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[self.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}},
            )
        )
        if settings.alarm_email:
            self.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))

    def alarm(
        self,
        scope: Construct,
        construct_id: str,
        metric: cloudwatch.IMetric,
        problem: str,
        *,
        runbook: str,
        above: int = 0,
        periods: int = 1,
        window_periods: int | None = None,
    ) -> cloudwatch.Alarm:
        """Create an alarm that notifies operators when a metric exceeds the threshold `above`, and when it recovers.

        The metric must exceed the threshold in the latest `periods` periods. If `window_periods` is set, `periods` of
        the latest `window_periods` periods suffice, which suits metrics that are not written in each period.
        """
        made = cloudwatch.Alarm(
            scope,
            construct_id,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods if window_periods is None else window_periods,
            datapoints_to_alarm=None if window_periods is None else periods,
            alarm_description=self._description(problem, runbook),
            # Many metrics are written only with data or requests, so missing data is not a failure.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self._notify(made)
        return made

    def composite_alarm(
        self, scope: Construct, construct_id: str, alarms: Sequence[cloudwatch.IAlarm], problem: str, *, runbook: str
    ) -> None:
        """Create an alarm that is active while any of `alarms` is active, and notifies operators like `alarm`."""
        rules = [cloudwatch.AlarmRule.from_alarm(each, cloudwatch.AlarmState.ALARM) for each in alarms]
        made = cloudwatch.CompositeAlarm(
            scope,
            construct_id,
            alarm_rule=cloudwatch.AlarmRule.any_of(*rules),
            alarm_description=self._description(problem, runbook),
        )
        self._notify(made)

    def _description(self, problem: str, runbook: str) -> str:
        return f"Alsolike {self.environment}: {problem}: docs/runbooks/{runbook}.md"

    def _notify(self, alarm: cloudwatch.AlarmBase) -> None:
        alarm.add_alarm_action(actions.SnsAction(self))
        alarm.add_ok_action(actions.SnsAction(self))
