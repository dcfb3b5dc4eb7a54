"""Attribution of outcomes to answers: the function, its schedule and the tables that it writes."""

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from alsolike.declarations.storage import (
    ATTRIBUTION_PREFIX,
    ENGAGEMENT_PREFIX,
    INTERACTIONS_PREFIX,
    OUTCOMES_PREFIX,
    SEGMENTS_PREFIX,
    SERVED_PREFIX,
    SNAPSHOT_KEY,
)
from alsolike.declarations.tables import (
    ENGAGEMENT_COLUMNS,
    ENGAGEMENT_TABLE,
    OUTCOMES_COLUMNS,
    OUTCOMES_TABLE,
    SERVED_PARTITION,
)
from infra_cdk.constructs.alarm_topic import alarm, look_back
from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.lake_table import Database, parquet_table
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.tombstone_access import hash_key_permission
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack


class AttributionStack(cdk.Stack):
    """Attribution: what answers led to, by the hour."""

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
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: what answers led to")
        self._settings = settings
        self._data = data
        self._layers = PythonLayers(self, "Layers", settings=settings, directory=layers)
        self._table("Outcomes", OUTCOMES_TABLE, OUTCOMES_COLUMNS, "What each answer led to, each once")
        self._table(
            "Engagement", ENGAGEMENT_TABLE, ENGAGEMENT_COLUMNS, "Sums of outcomes by recommender, model version and arm"
        )
        function = self._attribute_outcomes()
        self._schedule(function)
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={"attribute_outcomes_function": function.live.function_arn},
        )
        alarm(
            self,
            "Fails",
            metric=function.live.metric_errors(statistic="Sum", period=look_back(settings.attribution_schedule)),
            above=0,
            periods=1,
            description=f"Alsolike {settings.name}: attribution fails; figures of answers are old: "
            "docs/runbooks/attribution.md",
            alerts=data.alerts,
        )

    def _table(self, construct_id: str, name: str, columns: Mapping[str, str], description: str) -> None:
        parquet_table(
            self,
            construct_id,
            bucket=self._data.lake,
            database=Database(self.account, self._data.database_name),
            name=name,
            description=description,
            columns=columns,
            partition=SERVED_PARTITION,
            first_date=self._settings.lake_first_date,
        )

    def _attribute_outcomes(self) -> PythonFunction:
        lake, artefacts, hash_key = self._data.lake, self._data.artefacts, self._data.hash_key
        return PythonFunction(
            self,
            "AttributeOutcomes",
            name="attribute_outcomes",
            description="Joins what was served with what it led to",
            settings=self._settings,
            layers=[self._layers.core, self._layers.pandas],
            data=self._data,
            values={"window_days": self._settings.attribution_window_days},
            permissions=[
                Permission(actions=["s3:ListBucket"], resources=[lake.bucket_arn]),
                *(
                    objects(lake, prefix, actions=actions, reason="Objects are named after their day and where from")
                    for prefix, actions in (
                        (SERVED_PREFIX, ["s3:GetObject"]),
                        (INTERACTIONS_PREFIX, ["s3:GetObject"]),
                        (OUTCOMES_PREFIX, ["s3:PutObject", "s3:DeleteObject"]),
                        (ENGAGEMENT_PREFIX, ["s3:PutObject"]),
                        (ATTRIBUTION_PREFIX, ["s3:GetObject", "s3:PutObject"]),
                    )
                ),
                *configuration_permissions(artefacts),
                Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(SNAPSHOT_KEY)]),
                objects(
                    artefacts,
                    SEGMENTS_PREFIX,
                    actions=["s3:GetObject"],
                    reason="Segments of the catalogue are named after their contents",
                ),
                hash_key_permission(hash_key),
            ],
            memory_mb=self._settings.lake_memory_mb,
            storage_mb=10_240,
            timeout_s=900,
        )

    def _schedule(self, function: PythonFunction) -> None:
        if self._settings.attribution_schedule is None:
            return
        events.Rule(
            self,
            "Schedule",
            description=f"Alsolike {self._settings.name}: attribute what happened to what was answered",
            schedule=events.Schedule.expression(self._settings.attribution_schedule),
            # The next call does what one that failed has left.
            targets=[targets.LambdaFunction(function.live, retry_attempts=0, max_event_age=cdk.Duration.minutes(15))],
        )
