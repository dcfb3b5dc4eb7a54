"""Stack of the lake: import jobs, upkeep, and alarms on the stream's records and consumers."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarm_topic import alarm, alarm_period
from infra_cdk.constructs.import_workflow import ImportWorkflow
from infra_cdk.constructs.metrics import OwnMetrics, failed_runs
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack

MIN_QUARANTINED = 5
"""Minimum number of invalid records in 15 minutes that can raise the alarm on the share of invalid records."""


class LakeStack(Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: StoredData,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: upkeep of the lake")
        self._settings = settings
        self._data = data
        shared = PythonLayers(self, "Layers", settings=settings, directory=layers)
        self.imports = ImportWorkflow(self, "Imports", settings=settings, data=data, layers=shared).state_machine
        self._alarm(
            "ImportFails",
            failed_runs(self.imports),
            above=0,
            periods=1,
            description="An import job failed: docs/runbooks/workflows.md",
        )
        self._upkeep_alarm(PythonFunction(self, "compact_lake", settings=settings, layers=shared, data=data))
        self._quarantine_alarm()
        self.lag_alarm = self._lag_alarm()

    def _upkeep_alarm(self, function: PythonFunction) -> None:
        self._alarm(
            "UpkeepFails",
            function.live.metric_errors(statistic="Sum", period=alarm_period(self._settings.compaction_schedule)),
            above=0,
            periods=1,
            description="The lake's upkeep fails; objects are not merged and nothing expires: docs/runbooks/upkeep.md",
        )

    def _quarantine_alarm(self) -> None:
        period = cdk.Duration.minutes(15)

        def counted(metric: Metric, *, service: str = "archive_events") -> cloudwatch.Metric:
            return OwnMetrics(self._settings).counted(metric, service=service, period=period)

        bad = "bad"
        metrics = {bad: counted(Metric.RECORDS_QUARANTINED), "good": counted(Metric.INTERACTIONS_ARCHIVED)}
        if self._settings.kafka:
            bad = "(FILL(bad, 0) + FILL(invalid, 0))"
            metrics["invalid"] = counted(Metric.RECORDS_QUARANTINED, service="read_kafka")
        share = cloudwatch.MathExpression(
            label="Records in quarantine, percent",
            expression=f"IF({bad} >= {MIN_QUARANTINED}, 100 * {bad} / ({bad} + FILL(good, 0)), 0)",
            using_metrics=metrics,
            period=period,
        )
        self._alarm(
            "Quarantine",
            share,
            above=self._settings.quarantine_alarm_percent,
            periods=1,
            description="Many records of the stream cannot be read: docs/runbooks/quarantine.md",
        )

    def _lag_alarm(self) -> cloudwatch.Alarm:
        # The metric of the stream is the age of its slowest consumer.
        age = self._data.stream.metric_get_records_iterator_age_milliseconds(
            statistic="Maximum", period=cdk.Duration.minutes(5)
        )
        return self._alarm(
            "ConsumerLag",
            age,
            above=3_600_000,
            periods=3,
            description="A consumer of the stream is an hour behind and will lose records: docs/runbooks/quarantine.md",
        )

    def _alarm(
        self, construct_id: str, metric: cloudwatch.IMetric, *, above: int, periods: int, description: str
    ) -> cloudwatch.Alarm:
        return alarm(
            self,
            construct_id,
            metric=metric,
            above=above,
            periods=periods,
            description=f"Alsolike {self._settings.name}: {description}",
            alerts=self._data.alerts,
        )
