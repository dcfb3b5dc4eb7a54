"""From the log of `recommend` to the lake: the subscription that carries answers, and the function that writes them."""

import aws_cdk as cdk
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as log_destinations
from constructs import Construct

from alsolike.declarations.storage import QUARANTINE_PREFIX, SERVED_PREFIX, TOMBSTONES_KEY
from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.metrics import OwnMetrics
from infra_cdk.constructs.permissions import Permission, failure_destination, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings

LINE_FIELD = "$.served.recommendation_id"
"""Marker that only the log lines of answers have; see `alsolike.lake.served`."""


class ServedLog(Construct):
    """The subscription of a log, the function `archive_served`, and the alarm on what it gives up.

    CloudWatch Logs invokes the function asynchronously, separately from the requests whose lines it carries. A delivery
    that fails three times goes to the lake bucket, as failed batches of the stream do.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_group: logs.ILogGroup,
        data: StoredData,
        layers: PythonLayers,
        settings: Settings,
    ) -> None:
        super().__init__(scope, construct_id)
        lake, artefacts, alerts = data.lake, data.artefacts, data.alerts
        function = PythonFunction(
            self,
            "ArchiveServed",
            name="archive_served",
            description="Writes what was recommended to the lake, and lines that cannot be read to quarantine",
            settings=settings,
            layers=[layers.core, layers.pandas],
            data=data,
            permissions=[
                *(
                    objects(
                        lake,
                        prefix,
                        actions=["s3:PutObject"],
                        reason="Objects are named after their day, the log's stream and its events",
                    )
                    for prefix in (SERVED_PREFIX, QUARANTINE_PREFIX)
                ),
                Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(TOMBSTONES_KEY)]),
                # Without it S3 says 403, not 404, before there is a tombstone.
                Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
                *failure_destination(lake),
            ],
            memory_mb=1_024,
            timeout_s=60,
        )
        function.live.configure_async_invoke(
            on_failure=destinations.S3Destination(lake), retry_attempts=2, max_event_age=cdk.Duration.hours(6)
        )
        logs.SubscriptionFilter(
            self,
            "Subscription",
            log_group=log_group,
            destination=log_destinations.LambdaDestination(function.live),
            filter_pattern=logs.FilterPattern.exists(LINE_FIELD),
        )
        alarm(
            self,
            "Fails",
            metric=function.live.metric_errors(statistic="Sum", period=cdk.Duration.minutes(15)),
            above=0,
            periods=1,
            description=f"Alsolike {settings.name}: what was recommended does not get into the lake: "
            "docs/runbooks/served.md",
            alerts=alerts,
        )
        alarm(
            self,
            "Quarantine",
            metric=OwnMetrics(settings).counted(
                "RecordsQuarantined", service="archive_served", period=cdk.Duration.minutes(15)
            ),
            above=0,
            periods=1,
            description=f"Alsolike {settings.name}: lines of answers cannot be read: docs/runbooks/served.md",
            alerts=alerts,
        )
