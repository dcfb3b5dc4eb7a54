"""Drift monitoring of the champion: the function, its schedule and its notifications."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from alsolike.declarations.storage import (
    CHAMPION_KEY,
    DATASETS_PREFIX,
    INTERACTIONS_PREFIX,
    MODELS_PREFIX,
    MONITORING_PREFIX,
    SEGMENTS_PREFIX,
    SERVED_PREFIX,
    SNAPSHOT_KEY,
    TRAINING_RUN_KEY,
)
from infra_cdk.constructs.alarm_topic import alarm, look_back
from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.metrics import OwnMetrics
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.constructs.training_start import executions_of
from infra_cdk.settings import Settings

NAME = "monitor_models"
RUNBOOK = "docs/runbooks/drift.md"


class Monitoring(Construct):
    """`monitor_models`, which may start the training workflow.

    Attributes
    ----------
    function
        Itself.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        data: StoredData,
        layers: PythonLayers,
        workflow: sfn.StateMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._data = settings, data
        self.function = self._monitor_models(layers, workflow)
        self._schedule()
        self.alarms = self._alarms()

    def _monitor_models(self, layers: PythonLayers, workflow: sfn.StateMachine) -> PythonFunction:
        settings, lake, artefacts = self._settings, self._data.lake, self._data.artefacts
        return PythonFunction(
            self,
            "MonitorModels",
            name=NAME,
            description="Compares what happens with what the champion learned from; starts a training where it has to",
            settings=settings,
            layers=[layers.core, layers.pandas],
            data=self._data,
            values={
                "state_machine_arn": workflow.state_machine_arn,
                "silent_hours": settings.lake_silent_hours,
                "stale_days": settings.champion_stale_days,
            },
            permissions=[
                Permission(actions=["s3:ListBucket"], resources=[lake.bucket_arn]),
                *(
                    objects(lake, prefix, actions=["s3:GetObject"], reason="Objects are named after their day")
                    for prefix in (INTERACTIONS_PREFIX, SERVED_PREFIX)
                ),
                *configuration_permissions(artefacts),
                Permission(
                    actions=["s3:GetObject"],
                    resources=[
                        artefacts.arn_for_objects(CHAMPION_KEY),
                        artefacts.arn_for_objects(SNAPSHOT_KEY),
                        artefacts.arn_for_objects(TRAINING_RUN_KEY),
                    ],
                ),
                *(
                    objects(
                        artefacts,
                        MODELS_PREFIX,
                        suffix=f"/{file}",
                        actions=["s3:GetObject"],
                        reason="Any may be champion",
                    )
                    for file in ("manifest.json", "ids.hash.npy", "ids.idx.npy")
                ),
                objects(
                    artefacts,
                    DATASETS_PREFIX,
                    suffix="/manifest.json",
                    actions=["s3:GetObject"],
                    reason="Each run has a dataset of its own name",
                ),
                objects(
                    artefacts,
                    SEGMENTS_PREFIX,
                    actions=["s3:GetObject"],
                    reason="Segments of the catalogue are named after their contents",
                ),
                objects(
                    artefacts,
                    MONITORING_PREFIX,
                    actions=["s3:GetObject", "s3:PutObject"],
                    reason="Reports are named after their day",
                ),
                Permission(actions=["dynamodb:Query"], resources=[self._data.profiles.table_arn]),
                Permission(actions=["states:StartExecution"], resources=[workflow.state_machine_arn]),
                Permission(
                    actions=["states:DescribeExecution", "states:GetExecutionHistory"],
                    resources=[executions_of(self, workflow)],
                    wildcard_reason="Each training that was started is an execution with a name of its own",
                ),
            ],
            memory_mb=settings.lake_memory_mb,
            storage_mb=2_048,
            timeout_s=900,
        )

    def _schedule(self) -> None:
        if self._settings.monitoring_schedule is None:
            return
        events.Rule(
            self,
            "Schedule",
            description=f"Alsolike {self._settings.name}: look whether the champion still fits",
            schedule=events.Schedule.expression(self._settings.monitoring_schedule),
            # The next look finds what one that failed did not.
            targets=[
                targets.LambdaFunction(self.function.live, retry_attempts=0, max_event_age=cdk.Duration.minutes(15))
            ],
        )

    def _alarms(self) -> dict[str, cloudwatch.Alarm]:
        """Create the alarms; return them by what they are called."""
        settings, made = self._settings, {}
        period = look_back(settings.monitoring_schedule)
        for construct_id, name, above, what in (
            ("Drift", "FiguresDrifted", 0, f"what happens has not been what was learned for {settings.drift_hours} h"),
            ("Stale", "ChampionAgeHours", 24 * settings.champion_stale_days, "the champion is old"),
            ("Silent", "LakeSilentHours", settings.lake_silent_hours, "no events come into the lake"),
            ("Quality", "ChecksFailed", 0, "events are not as they should be"),
        ):
            made[construct_id] = self._alarm(
                construct_id,
                OwnMetrics(settings).reported(name, period=period, statistic="Maximum", service=NAME),
                above=above,
                what=what,
            )
        errors = self.function.live.metric_errors(statistic="Sum", period=period)
        made["Fails"] = self._alarm("Fails", errors, above=0, what="monitoring fails; nothing is compared")
        return made

    def _alarm(self, construct_id: str, metric: cloudwatch.IMetric, *, above: int, what: str) -> cloudwatch.Alarm:
        return alarm(
            self,
            construct_id,
            metric=metric,
            above=above,
            periods=1,
            description=f"Alsolike {self._settings.name}: {what}: {RUNBOOK}",
            alerts=self._data.alerts,
        )
