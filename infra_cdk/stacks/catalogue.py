from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from alsolike.declarations.metrics import Metric
from alsolike.declarations.storage import (
    CHAMPION_KEY,
    CONFIGURATION_KEY,
    ITEM_CHANGES_PREFIX,
    USER_CHANGES_PREFIX,
)
from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.change_log import change_log_table
from infra_cdk.constructs.metrics import PERIOD, OwnMetrics, failed_batches
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack


class CatalogueStack(Stack):
    """Catalogue snapshot, and change logs of items and users: the function, its triggers, tables and alarms."""

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
        super().__init__(
            scope, construct_id, env=env, description=f"Alsolike {settings.name}: catalogue snapshot and change logs"
        )
        self._settings = settings
        self._data = data
        shared = PythonLayers(self, "Layers", settings=settings, directory=layers)
        publish = PythonFunction(self, "publish_catalog", settings=settings, layers=shared, data=data)
        function = publish.live
        self.lag_alarm = self._alarms(function)["Lag"]
        alarm(
            self,
            "ChangesFail",
            metric=failed_batches(publish.mappings),
            above=0,
            periods=1,
            description=f"Alsolike {settings.name}: Changes of items or users are lost: docs/runbooks/catalogue.md",
            alerts=data.alerts,
        )
        for construct_id, prefix, id_column in (
            ("Items", ITEM_CHANGES_PREFIX, "item_id"),
            ("Users", USER_CHANGES_PREFIX, "user_id"),
        ):
            change_log_table(
                self, f"{construct_id}Log", data.lake, prefix=prefix, id_column=id_column, database=data.database_name
            )
        events.Rule(
            self,
            "ConfigurationApplied",
            description=f"Alsolike {settings.name}: update the snapshot to the declared properties and the champion",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [data.artefacts.bucket_name]},
                    "object": {"key": [CONFIGURATION_KEY, CHAMPION_KEY]},
                },
            ),
            targets=[targets.LambdaFunction(function, retry_attempts=2, max_event_age=cdk.Duration.hours(2))],
        )

    def _alarms(self, function: lambda_.IFunction) -> dict[str, cloudwatch.Alarm]:
        def outcome(metric: Metric) -> cloudwatch.Metric:
            return OwnMetrics(self._settings).counted(metric, service="publish_catalog")

        age = function.metric("IteratorAge", statistic="Maximum", period=PERIOD)
        # The function writes its counters only after changes, and only values above 0. A single value keeps an alarm on
        # a counter active for an hour.
        hour = cdk.Duration.hours(1).to_seconds() // PERIOD.to_seconds()
        made = {}
        for construct_id, metric, above, problem in (
            ("Lag", age, 600_000, "Changes of items or users wait for ten minutes"),
            ("Merges", outcome(Metric.SNAPSHOT_MERGES_FAILED), 0, "Segments of the catalogue snapshot are not merged"),
            ("Cold", outcome(Metric.COLD_ITEMS_FAILED), 0, "The search for neighbours of new items fails"),
            ("Size", outcome(Metric.SNAPSHOTS_TOO_LARGE), 0, "The catalogue snapshot is too large for recommend"),
        ):
            made[construct_id] = alarm(
                self,
                construct_id,
                metric=metric,
                above=above,
                periods=2 if construct_id == "Lag" else 1,
                window_periods=None if construct_id == "Lag" else int(hour),
                description=f"Alsolike {self._settings.name}: {problem}: docs/runbooks/catalogue.md",
                alerts=self._data.alerts,
            )
        return made
