"""Stack of the lake: import jobs, upkeep, and alarms on the stream's records and consumers."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarm_topic import alarm_period
from infra_cdk.constructs.import_workflow import ImportWorkflow
from infra_cdk.constructs.metrics import PERIOD, OwnMetrics, failed_runs
from infra_cdk.stacks.stack import FunctionStack, Region

MIN_QUARANTINED = 5
"""Minimum number of invalid records in 15 minutes that can raise the alarm on the share of invalid records."""


class LakeStack(FunctionStack):
    def __init__(self, scope: Construct, region: Region) -> None:
        super().__init__(scope, "lake", region, description="upkeep of the lake")
        settings, data, alerts = self.settings, self.data, self.data.alerts
        self.imports = ImportWorkflow(self, "Imports", settings=settings, data=data, layers=self.layers).state_machine
        alerts.alarm(self, "ImportFails", failed_runs(self.imports), "An import job failed", runbook="workflows")
        alerts.alarm(
            self,
            "UpkeepFails",
            self.function("compact_lake").live.metric_errors(
                statistic="Sum", period=alarm_period(settings.compaction_schedule)
            ),
            "The lake's upkeep fails; objects are not merged and nothing expires",
            runbook="upkeep",
        )
        alerts.alarm(
            self,
            "Quarantine",
            self._quarantined_percent(),
            "Many records of the stream cannot be read",
            above=settings.quarantine_alarm_percent,
            runbook="quarantine",
        )
        # The metric of the stream is the age of its slowest consumer.
        age = data.stream.metric_get_records_iterator_age_milliseconds(statistic="Maximum", period=PERIOD)
        self.lag_alarm = alerts.alarm(
            self,
            "ConsumerLag",
            age,
            "A consumer of the stream is an hour behind and will lose records",
            above=3_600_000,
            periods=3,
            runbook="quarantine",
        )

    def _quarantined_percent(self) -> cloudwatch.MathExpression:
        period = cdk.Duration.minutes(15)

        def counted(metric: Metric, *, service: str = "archive_events") -> cloudwatch.Metric:
            return OwnMetrics(self.settings).counted(metric, service=service, period=period)

        bad = "bad"
        metrics = {bad: counted(Metric.RECORDS_QUARANTINED), "good": counted(Metric.INTERACTIONS_ARCHIVED)}
        if self.settings.kafka:
            bad = "(FILL(bad, 0) + FILL(invalid, 0))"
            metrics["invalid"] = counted(Metric.RECORDS_QUARANTINED, service="read_kafka")
        return cloudwatch.MathExpression(
            label="Records in quarantine, percent",
            expression=f"IF({bad} >= {MIN_QUARANTINED}, 100 * {bad} / ({bad} + FILL(good, 0)), 0)",
            using_metrics=metrics,
            period=period,
        )
