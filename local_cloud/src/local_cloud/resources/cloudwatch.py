"""CloudWatch alarms and dashboards."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType

_ALARM = (
    "ActionsEnabled", "AlarmActions", "AlarmDescription", "ComparisonOperator", "DatapointsToAlarm", "Dimensions",
    "EvaluateLowSampleCountPercentile", "EvaluationPeriods", "ExtendedStatistic", "InsufficientDataActions",
    "MetricName", "Metrics", "Namespace", "OKActions", "Period", "Statistic", "Threshold", "ThresholdMetricId",
    "TreatMissingData", "Unit",
)  # fmt: skip


_COMPOSITE_ALARM = (
    "ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmRule", "InsufficientDataActions", "OKActions",
)  # fmt: skip


def _alarm(operation: str, properties: tuple[str, ...]) -> ResourceType:
    def create(creation: Creation) -> Created:
        name = creation.name("AlarmName", limit=255)
        put = getattr(creation.clients("cloudwatch"), operation)
        put(AlarmName=name, Tags=creation.tag_list(), **creation.properties.take(*properties))
        return Created(name, {"Arn": creation.arn("cloudwatch", f"alarm:{name}")})

    return ResourceType(create)


def _create_dashboard(creation: Creation) -> Created:
    name = creation.name("DashboardName", limit=255)
    creation.clients("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=creation.properties["DashboardBody"])
    return Created(name)


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::CloudWatch::Alarm": _alarm("put_metric_alarm", _ALARM),
    "AWS::CloudWatch::CompositeAlarm": _alarm("put_composite_alarm", _COMPOSITE_ALARM),
    "AWS::CloudWatch::Dashboard": ResourceType(_create_dashboard),
}
