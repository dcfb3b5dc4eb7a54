"""From the tables of items and users to the snapshot that is read, and to the change log in the lake."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from alsolike.declarations.storage import (
    CHAMPION_KEY,
    CONFIGURATION_KEY,
    ITEM_CHANGES_PREFIX,
    MODELS_PREFIX,
    SEGMENTS_PREFIX,
    SNAPSHOT_KEY,
    USER_CHANGES_PREFIX,
)
from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.change_log import change_log_table
from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.metrics import PERIOD, OwnMetrics
from infra_cdk.constructs.permissions import Permission, failure_destination, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.tombstone_access import tombstone_permissions
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack

STREAM_HOURS = 24
"""Retention of a change in a table's stream: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""


class CatalogueStack(cdk.Stack):
    """The function that publishes the catalogue, the streams and the event that it follows, and its alarms."""

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
        super().__init__(
            scope, construct_id, env=env, description=f"Alsolike {settings.name}: the catalogue's snapshot and log"
        )
        self._settings = settings
        self._data = data
        self._layers = PythonLayers(self, "Layers", settings=settings, directory=layers)
        self._tables = (data.catalogue, data.users)
        function = self._publish_catalog().live
        for table in self._tables:
            self._follow(function, table)
        self.lag_alarm = self._alarms(function)["Lag"]
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
            description=f"Alsolike {settings.name}: bring the snapshot to the declared columns and to the champion",
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

    def _publish_catalog(self) -> PythonFunction:
        lake, artefacts = self._data.lake, self._data.artefacts
        return PythonFunction(
            self,
            "PublishCatalog",
            name="publish_catalog",
            description="Publishes changes of items to the catalogue's snapshot, and logs those of items and users",
            settings=self._settings,
            layers=[
                self._layers.core,
                self._layers.onnx_runtime,  # for its numpy
                *([self._layers.sentences] if self._settings.sentence_model else []),
            ],
            data=self._data,
            single_threaded=True,
            permissions=[
                *(
                    objects(
                        lake,
                        prefix,
                        actions=["s3:PutObject"],
                        reason="Objects are named after their day and sequence numbers",
                    )
                    for prefix in (ITEM_CHANGES_PREFIX, USER_CHANGES_PREFIX)
                ),
                objects(
                    artefacts,
                    SEGMENTS_PREFIX,
                    actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
                    reason="Segments are named after their contents; those that were merged are deleted",
                ),
                Permission(
                    actions=["s3:GetObject", "s3:PutObject"],
                    resources=[artefacts.arn_for_objects(SNAPSHOT_KEY)],
                ),
                Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(CHAMPION_KEY)]),
                objects(
                    artefacts,
                    MODELS_PREFIX,
                    suffix="/content.tensors",
                    actions=["s3:GetObject"],
                    reason="Any version may become the champion",
                ),
                *configuration_permissions(artefacts),
                *tombstone_permissions(artefacts=artefacts, hash_key=self._data.hash_key),
                *self._stream_permissions(),
            ],
            # A merge of a million items holds them twice: 0.6 GB with the libraries.
            memory_mb=2_048,
            storage_mb=2_048,
            timeout_s=600,
        )

    def _follow(self, function: lambda_.IFunction, table: dynamodb.TableV2) -> None:
        """Give the function the changes of a table, until it takes them or they are about to leave the stream.

        It passes over what it cannot read, so it fails only where a bucket or its own set-up does: nothing would be
        gained from halving batches.
        """
        function.add_event_source(
            sources.DynamoEventSource(
                table,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=10_000,
                max_batching_window=cdk.Duration.seconds(self._settings.publish_window_s),
                retry_attempts=-1,
                max_record_age=cdk.Duration.hours(STREAM_HOURS - 1),
                on_failure=sources.S3OnFailureDestination(self._data.lake),
            )
        )

    def _alarms(self, function: lambda_.IFunction) -> dict[str, cloudwatch.Alarm]:
        def outcome(metric: str) -> cloudwatch.Metric:
            return OwnMetrics(self._settings).counted(metric, service="publish_catalog")

        age = function.metric("IteratorAge", statistic="Maximum", period=PERIOD)
        # These counters come only with changes and above 0: one value is enough, and the last hour keeps it.
        hour = cdk.Duration.hours(1).to_seconds() // PERIOD.to_seconds()
        made = {}
        for construct_id, metric, above, what in (
            ("Lag", age, 600_000, "Changes of items or users wait for ten minutes"),
            ("Merges", outcome("SnapshotMergesFailed"), 0, "Segments of the catalogue's snapshot are not merged"),
            ("Cold", outcome("ColdItemsFailed"), 0, "The neighbours of new items are not found"),
            ("Size", outcome("SnapshotsTooLarge"), 0, "The catalogue's snapshot is larger than recommend loads"),
        ):
            made[construct_id] = alarm(
                self,
                construct_id,
                metric=metric,
                above=above,
                periods=2 if construct_id == "Lag" else 1,
                of=None if construct_id == "Lag" else int(hour),
                description=f"Alsolike {self._settings.name}: {what}: docs/runbooks/catalogue.md",
                alerts=self._data.alerts,
            )
        return made

    def _stream_permissions(self) -> list[Permission]:
        return [
            Permission(
                actions=["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                resources=[table.table_stream_arn or "" for table in self._tables],
            ),
            Permission(
                actions=["dynamodb:ListStreams"],
                resources=["*"],
                wildcard_reason="Listing the streams of an account can be granted on * only",
            ),
            *failure_destination(self._data.lake),
        ]
