"""CloudWatch in memory: metrics by period, and alarms whose states tests set."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tests.fakes.service import MemoryService, Request, Response, ServiceError, operation

Series = tuple[str, str, frozenset[tuple[str, str]]]
_MAX_QUERIES = 500


@dataclasses.dataclass(frozen=True)
class _Sample:
    series: Series
    time: dt.datetime
    value: float


class MemoryCloudWatch(MemoryService):
    """All metrics and alarms of one account.

    Attributes
    ----------
    failed
        Status codes, by the metric's name, of results without values.
    """

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self._samples: list[_Sample] = []
        self._alarms: dict[str, dict[str, Any]] = {}

    @operation("Namespace", "MetricData")
    def put_metric_data(self, request: Request) -> Response:
        for datum in request["MetricData"]:
            series = _series({**datum, "Namespace": request["Namespace"]})
            values = datum["Values"] if "Values" in datum else [datum["Value"]]
            self._samples += [_Sample(series, datum["Timestamp"], value) for value in values]
        return {}

    @operation("Namespace", "MetricName", "Dimensions")
    def list_metrics(self, request: Request) -> Response:
        wanted = request["Namespace"], request["MetricName"]
        filters = {(one["Name"], one["Value"]) for one in request.get("Dimensions", ())}
        found = {
            sample.series for sample in self._samples if sample.series[:2] == wanted and filters <= sample.series[2]
        }
        dimensions = [[{"Name": key, "Value": value} for key, value in sorted(series[2])] for series in found]
        return {"Metrics": [{"Namespace": wanted[0], "MetricName": wanted[1], "Dimensions": one} for one in dimensions]}

    @operation("StartTime", "EndTime", "ScanBy", "MetricDataQueries")
    def get_metric_data(self, request: Request) -> Response:
        start, end = request["StartTime"], request["EndTime"]
        if start >= end:
            raise ServiceError("ValidationError", "The parameter EndTime must be greater than StartTime.")
        if len(request["MetricDataQueries"]) > _MAX_QUERIES:
            message = f"The collection MetricDataQueries must not have a size greater than {_MAX_QUERIES}."
            raise ServiceError("ValidationError", message)
        results = []
        for query in request["MetricDataQueries"]:
            stated = query["MetricStat"]
            period = dt.timedelta(seconds=stated["Period"])
            values: dict[int, list[float]] = defaultdict(list)
            for sample in self._samples:
                if sample.series == _series(stated["Metric"]) and start <= sample.time < end:
                    values[(sample.time - start) // period].append(sample.value)
            failure = self.failed.get(stated["Metric"]["MetricName"])
            periods = [] if failure else sorted(values, reverse=request.get("ScanBy") != "TimestampAscending")
            results.append(
                {
                    "Id": query["Id"],
                    "Label": stated["Metric"]["MetricName"],
                    "Timestamps": [start + number * period for number in periods],
                    "Values": [_statistic(stated["Stat"], values[number]) for number in periods],
                    "StatusCode": failure or "Complete",
                }
            )
        return {"MetricDataResults": results, "Messages": []}

    @operation(
        "AlarmName", "AlarmDescription", "MetricName", "Namespace", "Statistic", "Period", "EvaluationPeriods",
        "Threshold", "ComparisonOperator", "DatapointsToAlarm", "Metrics",
    )  # fmt: skip
    def put_metric_alarm(self, request: Request) -> Response:
        return self._put_alarm(request)

    @operation("AlarmName", "AlarmDescription", "AlarmRule")
    def put_composite_alarm(self, request: Request) -> Response:
        return self._put_alarm(request)

    @operation("AlarmName", "StateValue", "StateReason")
    def set_alarm_state(self, request: Request) -> Response:
        if request["AlarmName"] not in self._alarms:
            raise ServiceError("ResourceNotFound", "The named resource does not exist.", status=404)
        self._alarms[request["AlarmName"]].update(request, StateUpdatedTimestamp=dt.datetime.now(dt.UTC))
        return {}

    @operation("AlarmNamePrefix", "AlarmTypes")
    def describe_alarms(self, request: Request) -> Response:
        types = request.get("AlarmTypes", ["MetricAlarm"])
        found = [
            one for name, one in sorted(self._alarms.items()) if name.startswith(request.get("AlarmNamePrefix", ""))
        ]
        return {
            "MetricAlarms": [one for one in found if "AlarmRule" not in one and "MetricAlarm" in types],
            "CompositeAlarms": [one for one in found if "AlarmRule" in one and "CompositeAlarm" in types],
        }

    def _put_alarm(self, request: Request) -> Response:
        new = {"StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": dt.datetime.now(dt.UTC)}
        self._alarms[request["AlarmName"]] = {**new, **request}
        return {}


def _series(metric: Request) -> Series:
    dimensions = frozenset((one["Name"], one["Value"]) for one in metric.get("Dimensions", ()))
    return metric["Namespace"], metric["MetricName"], dimensions


def _statistic(name: str, values: Sequence[float]) -> float:
    if name.startswith("p"):  # the nearest-rank method
        return sorted(values)[max(0, math.ceil(float(name[1:]) / 100 * len(values)) - 1)]
    if name.startswith("TC(:"):
        return float(sum(value <= float(name[4:-1]) for value in values))
    totals = {
        "Sum": math.fsum(values),
        "Average": math.fsum(values) / len(values),
        "Minimum": min(values),
        "Maximum": max(values),
        "SampleCount": float(len(values)),
    }
    return totals[name]
