"""CloudWatch alarms and dashboards."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources.creation import Created, Creation, ResourceType

_ALARM = (
    "ActionsEnabled", "AlarmActions", "AlarmDescription", "ComparisonOperator", "DatapointsToAlarm", "Dimensions",
    "EvaluateLowSampleCountPercentile", "EvaluationPeriods", "ExtendedStatistic", "InsufficientDataActions",
    "MetricName", "Metrics", "Namespace", "OKActions", "Period", "Statistic", "Threshold", "ThresholdMetricId",
    "TreatMissingData", "Unit",
)  # fmt: skip


_COMPOSITE_ALARM = (
    "ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmRule", "InsufficientDataActions", "OKActions",
)  # fmt: skip


def _create_alarm(creation: Creation) -> Created:
    name = creation.name("AlarmName", limit=255)
    creation.clients("cloudwatch").put_metric_alarm(
        AlarmName=name, Tags=creation.tag_list(), **creation.properties.take(*_ALARM)
    )
    return Created(name, {"Arn": creation.arn("cloudwatch", f"alarm:{name}")})


def _create_composite_alarm(creation: Creation) -> Created:
    name = creation.name("AlarmName", limit=255)
    creation.clients("cloudwatch").put_composite_alarm(
        AlarmName=name, Tags=creation.tag_list(), **creation.properties.take(*_COMPOSITE_ALARM)
    )
    return Created(name, {"Arn": creation.arn("cloudwatch", f"alarm:{name}")})


def _create_dashboard(creation: Creation) -> Created:
    name = creation.name("DashboardName", limit=255)
    creation.clients("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=creation.properties["DashboardBody"])
    return Created(name)


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::CloudWatch::Alarm": ResourceType(_create_alarm),
    "AWS::CloudWatch::CompositeAlarm": ResourceType(_create_composite_alarm),
    "AWS::CloudWatch::Dashboard": ResourceType(_create_dashboard),
}
