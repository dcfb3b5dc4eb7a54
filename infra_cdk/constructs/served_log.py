"""Transfer of the recommendation log from CloudWatch Logs to the lake."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as log_destinations
from constructs import Construct

from alsolike.declarations.manifest import LogLines
from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.metrics import OwnMetrics
from infra_cdk.constructs.python_function import PythonFunction, read_manifest
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings


class ServedLog(Construct):
    """Subscription of a log group, the function `archive_served` that archives its lines, and alarms on failures.

    CloudWatch Logs invokes the function asynchronously, so requests do not wait. A delivery that fails three times is
    stored in the lake bucket, like failed batches of the stream.
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
        function = PythonFunction(self, "archive_served", settings=settings, layers=layers, data=data)
        trigger = read_manifest(function.name).trigger
        assert isinstance(trigger, LogLines)
        logs.SubscriptionFilter(
            self,
            "Subscription",
            log_group=log_group,
            destination=log_destinations.LambdaDestination(function.live),
            filter_pattern=logs.FilterPattern.exists(trigger.field),
        )
        quarter = cdk.Duration.minutes(15)
        data.alerts.alarm(
            self,
            "Fails",
            function.live.metric_errors(statistic="Sum", period=quarter),
            "the recommendation log is not written to the lake",
            runbook="served",
        )
        data.alerts.alarm(
            self,
            "Quarantine",
            OwnMetrics(settings).counted(Metric.RECORDS_QUARANTINED, service="archive_served", period=quarter),
            "log lines of responses cannot be read",
            runbook="served",
        )
