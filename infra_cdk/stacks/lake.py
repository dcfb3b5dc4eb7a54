"""The lake's upkeep, and what watches what does not get into it."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from alsolike.declarations.storage import COMPACTIONS_PREFIX, INTERACTIONS_PREFIX, SERVED_PREFIX, TOMBSTONES_KEY
from infra_cdk.constructs.alarm_topic import alarm, look_back
from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.metrics import OwnMetrics
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack

LEAST_QUARANTINED = 5
"""Fewest bad records that raise an alarm, whatever their share."""


class LakeStack(cdk.Stack):
    """Compaction with its schedule, and the alarms on it, on quarantine and on consumers that lag."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: DataStack,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: upkeep of the lake")
        self._settings = settings
        self._data = data
        self._layers = PythonLayers(self, "Layers", settings=settings, directory=layers)
        compact_lake = self._compact_lake()
        self._schedule(compact_lake)
        self._upkeep_alarm(compact_lake)
        self._quarantine_alarm()
        self.lag_alarm = self._lag_alarm()

    def _compact_lake(self) -> PythonFunction:
        lake, artefacts, hash_key = self._data.lake, self._data.artefacts, self._data.hash_key
        return PythonFunction(
            self,
            "CompactLake",
            name="compact_lake",
            description="Merges small objects of the lake, and removes days past the retention",
            settings=self._settings,
            layers=[self._layers.core, self._layers.pandas],
            data=self._data,
            permissions=[
                Permission(actions=["s3:ListBucket"], resources=[lake.bucket_arn]),
                *(
                    objects(
                        lake,
                        prefix,
                        actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                        reason="Objects are named after their day and what they were merged from",
                    )
                    for prefix in (INTERACTIONS_PREFIX, SERVED_PREFIX, COMPACTIONS_PREFIX)
                ),
                *configuration_permissions(artefacts),
                Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(TOMBSTONES_KEY)]),
                Permission(actions=["secretsmanager:GetSecretValue"], resources=[hash_key.secret_arn]),
            ],
            memory_mb=self._settings.lake_memory_mb,
            timeout_s=900,
        )

    def _schedule(self, function: PythonFunction) -> None:
        if self._settings.compaction_schedule is None:
            return
        events.Rule(
            self,
            "Schedule",
            description=f"Alsolike {self._settings.name}: keep the lake in few large objects",
            schedule=events.Schedule.expression(self._settings.compaction_schedule),
            targets=[targets.LambdaFunction(function.live, retry_attempts=2, max_event_age=cdk.Duration.hours(2))],
        )

    def _upkeep_alarm(self, function: PythonFunction) -> None:
        self._alarm(
            "UpkeepFails",
            function.live.metric_errors(statistic="Sum", period=look_back(self._settings.compaction_schedule)),
            above=0,
            periods=1,
            description="The lake's upkeep fails; small objects pile up and nothing expires: docs/runbooks/upkeep.md",
        )

    def _quarantine_alarm(self) -> None:
        period = cdk.Duration.minutes(15)

        def archived(metric: str) -> cloudwatch.Metric:
            return OwnMetrics(self._settings).counted(metric, service="archive_events", period=period)

        share = cloudwatch.MathExpression(
            label="Records in quarantine, percent",
            expression=f"IF(bad >= {LEAST_QUARANTINED}, 100 * bad / (bad + FILL(good, 0)), 0)",
            using_metrics={"bad": archived("RecordsQuarantined"), "good": archived("InteractionsArchived")},
            period=period,
        )
        self._alarm(
            "Quarantine",
            share,
            above=self._settings.quarantine_alarm_percent,
            periods=1,
            description="Many of the records on the stream cannot be read: docs/runbooks/quarantine.md",
        )

    def _lag_alarm(self) -> cloudwatch.Alarm:
        # The stream's own figure is its slowest consumer's.
        age = self._data.stream.metric_get_records_iterator_age_milliseconds(
            statistic="Maximum", period=cdk.Duration.minutes(5)
        )
        return self._alarm(
            "ConsumerLag",
            age,
            above=3_600_000,
            periods=3,
            description="A consumer of the stream is an hour behind and will give records up: "
            "docs/runbooks/quarantine.md",
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
