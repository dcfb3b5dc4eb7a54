"""Statistics of metrics by period, as dashboards and the operator's API read them."""

import datetime as dt
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudwatch.models import CloudWatchBackend

from local_cloud.metric_store import MetricStore
from local_cloud.moto_changes.metrics import store_metrics

MINUTE = dt.timedelta(minutes=1)
START = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) - 20 * MINUTE

Read = Callable[..., dict[str, list[tuple[int, float]]]]


@pytest.fixture
def read(monkeypatch):
    """Yield a function that returns pairs of minute and value of each given statistic of an API's Latency."""
    for name in ("get_all_metrics", "get_metric_data", "get_metric_statistics", "put_metric_data"):
        monkeypatch.setattr(CloudWatchBackend, name, getattr(CloudWatchBackend, name))  # Is restored after the test.
    with mock_aws():
        store_metrics(MetricStore())
        client = boto3.client("cloudwatch", region_name="eu-west-1")
        put(client, "AWS/ApiGateway", 0, [10.0, 20.0, 30.0, 40.0])
        put(client, "AWS/ApiGateway", 2, [7.0])
        put(client, "AWS/ApiGateway", 0, [5000.0], api="another")
        put(client, "Elsewhere", 0, [6000.0])

        def statistics(*wanted, **options):
            answer = client.get_metric_data(
                StartTime=START,
                EndTime=START + 5 * MINUTE,
                MetricDataQueries=[query(f"q{index}", each) for index, each in enumerate(wanted)],
                **options,
            )
            return {
                wanted[int(result["Id"][1:])]: [
                    (round((time - START) / MINUTE), value)
                    for time, value in zip(result["Timestamps"], result["Values"], strict=True)
                ]
                for result in answer["MetricDataResults"]
            }

        yield statistics


def put(client, namespace, minute, values, *, api="shop"):
    client.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": "Latency",
                "Dimensions": [{"Name": "ApiId", "Value": api}],
                "Timestamp": START + minute * MINUTE + dt.timedelta(seconds=30),
                "Values": values,
            }
        ],
    )


def query(name, statistic):
    metric = {
        "Namespace": "AWS/ApiGateway",
        "MetricName": "Latency",
        "Dimensions": [{"Name": "ApiId", "Value": "shop"}],
    }
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}


def test_each_period_with_data_has_its_statistic_latest_first(read):
    assert read("Sum", "Maximum", "SampleCount") == {
        "Sum": [(2, 7.0), (0, 100.0)],
        "Maximum": [(2, 7.0), (0, 40.0)],
        "SampleCount": [(2, 1.0), (0, 4.0)],
    }


def test_percentile_is_the_smallest_value_that_covers_its_share(read):
    assert read("p50", "p95", ScanBy="TimestampAscending") == {
        "p50": [(0, 20.0), (2, 7.0)],
        "p95": [(0, 40.0), (2, 7.0)],
    }


def test_trimmed_count_is_the_number_of_values_up_to_a_bound(read):
    assert read("TC(:20)", "TC(:8)") == {"TC(:20)": [(2, 1.0), (0, 2.0)], "TC(:8)": [(2, 1.0), (0, 0.0)]}


def test_unknown_statistic_is_refused(read):
    with pytest.raises(ClientError, match="statistic 'TM\\(5%:95%\\)' is not implemented here"):
        read("TM(5%:95%)")


@pytest.mark.usefixtures("read")
@pytest.mark.parametrize("expression", ["SUM([q0])", "q0 / 2", 'SELECT AVG(Latency) FROM "AWS/ApiGateway"'])
def test_query_with_an_expression_is_refused(expression):
    client = boto3.client("cloudwatch", region_name="eu-west-1")
    queries = [query("q0", "Sum"), {"Id": "half", "Expression": expression, "Period": 60}]

    with pytest.raises(ClientError, match=r"query 'half' has no MetricStat.*requests only metrics"):
        client.get_metric_data(StartTime=START, EndTime=START + 5 * MINUTE, MetricDataQueries=queries)


def test_statistics_and_metric_list_use_the_same_data(read):
    client = boto3.client("cloudwatch", region_name="eu-west-1")
    metric = {
        "Namespace": "AWS/ApiGateway", "MetricName": "Latency", "Dimensions": [{"Name": "ApiId", "Value": "shop"}]
    }  # fmt: skip

    answer = client.get_metric_statistics(
        **metric, StartTime=START, EndTime=START + 5 * MINUTE, Period=60, Statistics=["Sum", "Average", "Maximum"]
    )

    found = sorted(
        (point["Timestamp"], point["Sum"], point["Average"], point["Maximum"]) for point in answer["Datapoints"]
    )
    assert found == [(START, 100.0, 25.0, 40.0), (START + 2 * MINUTE, 7.0, 7.0, 7.0)]
    listed = client.list_metrics(Namespace="AWS/ApiGateway")["Metrics"]
    assert sorted(each["Dimensions"][0]["Value"] for each in listed) == ["another", "shop"]
    assert metric in listed
