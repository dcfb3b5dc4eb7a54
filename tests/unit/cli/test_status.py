import dataclasses
import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from alsolike.declarations.routes import READ_RECOMMENDATIONS
from alsolike.declarations.storage import CHAMPION_KEY, CONFIGURATION_KEY, SNAPSHOT_KEY
from alsolike.registry.canary import Canary
from alsolike.registry.champion_pointer_store import Registry
from alsolike.signing.key_pairs import SigningKey
from cli.status import _replication_lines
from operations.replication_lag import lags
from operations.status import collect
from tests.builders.parquet import parquet_of
from tests.builders.world import configure
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.shop import NAMES, put_parameters

ROLE = "arn:aws:iam::123456789012:role/any"


@pytest.fixture
def shop(deployment):
    client = deployment.client
    client("kinesis").create_stream(StreamName=NAMES.stream_name, ShardCount=2)
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    machine = client("stepfunctions").create_state_machine(name="training", definition=definition, roleArn=ROLE)
    names = dataclasses.replace(NAMES, state_machine_arn=machine["stateMachineArn"])
    put_parameters(client("ssm"), "shop", names)
    return dataclasses.replace(deployment, names=names)


def test_status_has_the_champion_training_and_stream(shop):
    client = shop.client
    client("stepfunctions").start_execution(stateMachineArn=shop.names.state_machine_arn, name="run-1")
    client("s3").put_object(Bucket=NAMES.artefact_bucket, Key="models/v1/manifest.json", Body=b"{}")
    Registry(client("s3"), NAMES.artefact_bucket).promote("v1", reason="passed the gate", now_ms=1)
    configure(client("s3"), NAMES.artefact_bucket, events={"view": {"weight": 2}})

    report = run_json("status", "--env", "shop")

    assert report["environment"] == "shop"
    assert report["tracking_id"] == "alsolike-shop"
    assert report["items_dataset_arn"].endswith(":dataset/alsolike-shop/ITEMS")
    assert report["users_dataset_arn"].endswith(":dataset/alsolike-shop/USERS")
    assert report["web_url"] is None
    assert report["champion"] == {
        "version": "v1",
        "reason": "passed the gate",
        "forced": False,
        "damaged": ["manifest.json is unreadable: manifest.json has format_version None, expected 1"],
    }
    assert report["configuration_version"] == 1
    assert report["stream"] == {"name": "events", "status": "ACTIVE", "open_shards": 2}
    assert [run["name"] for run in report["training_runs"]] == ["run-1"]
    table = run("status", "--env", "shop").stdout
    assert table.startswith("champion v1: passed the gate\n")
    assert "trackingId alsolike-shop\n" in table
    assert f"datasetArn of users {NAMES.users_dataset_arn}\n" in table.replace("\n\n", "\n")
    assert "configuration version 1\n" in table
    assert (report["trial"], report["held"]) == (None, None)
    assert "canary" not in table
    assert "ACTIVE, 2 open shards\n" in table


def test_status_has_the_canary_and_the_pause(shop):
    s3 = shop.client("s3")
    registry = Registry(s3, NAMES.artefact_bucket)
    for version in ("v1", "v2"):
        s3.put_object(Bucket=NAMES.artefact_bucket, Key=f"models/{version}/manifest.json", Body=b"{}")
        registry.promote(version, reason="a test", now_ms=1)
    held = registry.roll_back(reason="socks only", now_ms=0)
    registry.start_canary(held, Canary("v2", "v1", 0.1, 0, 3_600_000, 1_000, "run-1"))

    shown = run("status", "--env", "shop").stdout

    times = "from 1970-01-01 00:00:00 UTC to 1970-01-01 01:00:00 UTC"
    assert f"canary v2: 10% of the users {times}, run run-1\n" in shown
    assert "promotions are paused since 1970-01-01 00:00:00 UTC: socks only; `alsolike models resume`" in shown


@pytest.fixture
def functions(shop, cloud):
    """Return a deployment with three functions, and functions of other deployments.

    One of the three failed in the last hour, and one earlier.
    """
    cloudwatch = shop.client("cloudwatch")
    cloud.functions.functions += [
        function("alsolike-shop-2-serving-recommend-1A", "recommend", environment="shop-2"),
        function("alsolike-shop-other-1A", "other", environment=None),
    ]
    for name in ("collect", "operate", "recommend"):
        cloud.functions.functions.append(function(f"alsolike-shop-serving-{name}-1A", name, environment="shop"))
        put_metric(cloudwatch, "AWS/Lambda", "Errors", 0, 1, FunctionName=f"alsolike-shop-serving-{name}-1A")
    for name, minutes_ago in (("collect", 90), ("recommend", 1), ("recommend", 50)):
        put_metric(cloudwatch, "AWS/Lambda", "Errors", 2, minutes_ago, FunctionName=f"alsolike-shop-serving-{name}-1A")
    return shop


def put_metric(cloudwatch, namespace, name, value, minutes_ago, **dimensions):
    datum = {
        "MetricName": name,
        "Dimensions": [{"Name": dimension, "Value": text} for dimension, text in dimensions.items()],
        "Timestamp": dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes_ago),
        "Value": value,
    }
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])


def function(function_name, name, *, environment):
    variables = {"POWERTOOLS_METRICS_NAMESPACE": f"Alsolike/{environment}"}
    return {
        "FunctionName": function_name,
        "Handler": f"functions.{name}.handler.lambda_handler",
        "Runtime": "python3.13",
        "MemorySize": 512,
        "Timeout": 30,
        **({"Environment": {"Variables": variables}} if environment else {}),
    }


def test_status_has_lake_snapshot_missing_tables_and_unusable_keys(functions):
    names, client = functions.names, functions.client
    for day in ("2026-03-01", "2026-03-03"):
        body = parquet_of(pa.table({"event_id": ["a", "b"]}))
        key = f"interactions/event_date={day}/a.parquet"
        client("s3").put_object(Bucket=names.lake_bucket, Key=key, Body=body)
    dead = SigningKey("ALSODEAD", "checkout", b"encrypted by a lost key", (READ_RECOMMENDATIONS,), created_ms=1)
    client("dynamodb").put_item(TableName=names.keys_table, Item=dead.to_item())
    client("dynamodb").delete_table(TableName=names.users_table)

    shown = run("status", "--env", "shop").stdout

    assert "lake 2 days from 2026-03-01 to 2026-03-03, 2 rows on the last day" in shown
    assert "lake has no events on 1 day of the last month: 2026-03-02\n" in shown
    assert "catalogue snapshot none yet\n" in shown
    assert f"table {names.users_table} is missing" in shown
    assert f"key {dead.key_id} cannot be decrypted" in shown


def test_status_shows_requests_without_permission(functions):
    refused = {"User: a is not authorized to perform: b": 2}
    cloud: Any = SimpleNamespace(state=SimpleNamespace(functions={}), permissions=lambda: {"refused": refused})

    report = collect(functions, cloud=cloud)

    assert report["refused"] == [{"message": "User: a is not authorized to perform: b", "requests": 2}]


def put_responses(cloudwatch, name, count, filter_):
    dimensions = {"service": "recommend", "recommender": "for-you", "filter": filter_}
    put_metric(cloudwatch, "Alsolike/shop", f"Recommendations{name}", count, 5, **dimensions)


def test_status_counts_empty_and_short_responses_by_filter(functions):
    cloudwatch = functions.client("cloudwatch")
    for name, filter_, count in (("Empty", "cheap", 3), ("Short", "cheap", 2), ("Short", "none", 1)):
        put_responses(cloudwatch, name, count, filter_)

    shown = run("status", "--env", "shop").stdout
    report = run_json("status", "--env", "shop")

    assert "for-you with filter cheap: 3 empty responses and 2 short ones in the last hour" in shown
    assert report["incomplete_responses"] == [
        {"recommender": "for-you", "filter": "cheap", "empty": 3, "short": 2},
        {"recommender": "for-you", "filter": "none", "empty": 0, "short": 1},
    ]


def test_status_counts_responses_of_more_than_500_filters(functions):
    cloudwatch = functions.client("cloudwatch")
    for number in range(501):
        put_responses(cloudwatch, "Empty", number + 1, f"filter-{number}")

    counts = [row["empty"] for row in collect(functions)["incomplete_responses"]]

    assert counts == list(range(501, 0, -1))


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (CHAMPION_KEY, "registry/champion.json is unreadable"),
        (SNAPSHOT_KEY, "catalog/current.json"),
        (CONFIGURATION_KEY, "config/current.json"),
    ],
)
def test_status_names_an_unreadable_object_and_shows_the_rest(functions, key, fault):
    functions.client("s3").put_object(Bucket=functions.names.artefact_bucket, Key=key, Body=b"{")

    shown = run("status", "--env", "shop").stdout
    report = run_json("status", "--env", "shop")

    (unreadable,) = report["unreadable"]
    assert fault in unreadable
    assert f"unreadable: {unreadable}; see docs/runbooks/degraded.md\n" in shown
    assert "training never ran\n" in shown


@pytest.mark.usefixtures("functions")
def test_status_lists_failing_functions_and_all_on_request():
    shown, every = (run("status", "--env", "shop", *options).stdout for options in ((), ("--all",)))
    report = run_json("status", "--env", "shop")

    assert shown.startswith("champion none yet\ntraining never ran\n")
    assert "function recommend: 4 errors in the last hour (alsolike-shop-serving-recommend-1A)\n" in shown
    assert "3 functions, 1 failing; list them with `" in shown
    assert "status --all --env shop`" in shown
    assert [name in shown for name in ("collect", "operate", "recommend")] == [False, False, True]
    assert all(name in every for name in ("collect", "operate", "recommend"))
    errors = [(one["name"], one["errors"]) for one in report["functions"]]
    assert errors == [("collect", 0), ("operate", 0), ("recommend", 4)]


def test_status_shows_active_alarms_with_their_runbooks(functions):
    cloudwatch = functions.client("cloudwatch")
    for name, state in (("Slow", "OK"), ("Quarantine", "ALARM")):
        alarm = f"alsolike-shop-lake-{name}23FF09FE-455f8327"
        cloudwatch.put_metric_alarm(
            AlarmName=alarm, AlarmDescription=f"Alsolike shop: {name}: docs/runbooks/quarantine.md",
            MetricName="m", Namespace="n", Statistic="Sum", Period=60, EvaluationPeriods=3, Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )  # fmt: skip
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="a test")

    shown = run("status", "--env", "shop").stdout

    assert shown.count("alarm ") == 1
    assert "alarm Quarantine, " in shown
    assert "Quarantine: docs/runbooks/quarantine.md\n" in shown


def test_status_shows_the_api_domain_and_both_regions(functions):
    for name, value in (("api-domain", "api.shop.example"), ("other-region", "eu-central-1")):
        functions.client("ssm").put_parameter(Name=f"/alsolike/shop/{name}", Value=value, Type="String")

    shown = run("status", "--env", "shop").stdout

    assert "https://api.shop.example leads to the API in eu-west-1 or eu-central-1\n" in shown


def test_status_without_a_second_region_has_no_replication(deployment):
    assert lags(deployment) == []


def test_largest_replication_lag_is_shown_by_store_in_seconds(deployment):
    cloudwatch = deployment.client("cloudwatch")
    table = {"TableName": NAMES.profiles_table, "ReceivingRegion": "eu-central-1"}
    put_metric(cloudwatch, "AWS/DynamoDB", "ReplicationLatency", 750, 1, **table)
    for source, rule, lag in (
        (NAMES.lake_bucket, "all", 12.5),
        (NAMES.lake_bucket, "more", 40),
        ("foreign", "all", 900),
    ):
        bucket = {"SourceBucket": source, "DestinationBucket": "other", "RuleId": rule}
        put_metric(cloudwatch, "AWS/S3", "ReplicationLatency", lag, 1, **bucket)

    stores = lags(deployment)

    assert stores == [{"store": "lake", "lag_s": 40.0}, {"store": "profiles", "lag_s": 0.75}]
    assert list(_replication_lines([*stores, {"store": "users", "lag_s": None}])) == [
        "replication of lake: at most 40.0 s behind in the last half hour",
        "replication of profiles: at most 0.8 s behind in the last half hour",
        "replication of users: no copies in the last half hour",
    ]
