"""Costs of a deployment and of its metrics."""

import dataclasses
import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest

from alsolike.catalogue.items import CatalogueStore, Item
from alsolike.catalogue.users import User, UserStore
from alsolike.runtime.errors import InvalidInput, NotFound
from infra_cdk.constructs.metrics import namespace
from infra_cdk.settings import Settings
from operations import cost_measurement as measuring
from operations import embedded_cloud
from operations.cost import Duration, Load
from operations.cost_measurement import CallFigures, Measured, figures
from operations.monthly_load import monthly_load
from tests.unit.cli.command_line import cells, run, run_json

REGION = "us-east-1"
LOAD = ("--users", "1000", "--events-per-day", "24000", "--requests-per-day", "240000", "--items", "100")


@pytest.fixture
def assembly(tmp_path):
    metric: dict[str, Any] = {"MetricStat": {}}
    resources = {
        "Name": ("AWS::SSM::Parameter", {"Name": "/alsolike/shop/region"}),
        "Profiles": ("AWS::DynamoDB::GlobalTable", {"Replicas": [{"Region": REGION}]}),
        "Stream": ("AWS::Kinesis::Stream", {"ShardCount": 2, "RetentionPeriodHours": 200}),
        "Recommend": ("AWS::Lambda::Function",
            {"Handler": "functions.recommend.handler.lambda_handler", "MemorySize": 2048, "Architectures": ["arm64"]}),
        "Live": ("AWS::Lambda::Alias",
            {"FunctionName": {"Ref": "Recommend"},
             "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 3}}),
        "Alarm": ("AWS::CloudWatch::Alarm", {"Metrics": [{"Expression": "a / b"}, metric, metric]}),
        "Health": ("AWS::CloudWatch::Dashboard", {"DashboardBody": ""}),
    }  # fmt: skip
    template = {"Resources": {name: {"Type": kind, "Properties": fields} for name, (kind, fields) in resources.items()}}
    (tmp_path / "shop.template.json").write_text(json.dumps(template))
    return tmp_path


def run_cost(*arguments):
    return run("cost", *arguments).stdout


def test_assembly_cost_is_printed_as_json(assembly):
    document = json.loads(run_cost("--assembly", str(assembly), *LOAD, "--json"))

    lines = {line["what"]: line for line in document["lines"]}
    assert document["environment"] == "shop"
    assert lines["provisioned recommend"]["dollars"] == pytest.approx(3 * 2 * 2_628_000 * 0.0000033334, abs=1e-4)
    assert lines["calls"]["quantity"] == pytest.approx((24_000 / 2 + 240_000 + 100 / 20) * 730 / 24)
    assert document["dollars"] == pytest.approx(document["fixed_dollars"] + document["usage_dollars"], abs=1e-3)
    assert document["dollars"] == pytest.approx(sum(line["dollars"] for line in document["lines"]), abs=0.01)
    assert document["personalize"]["dollars"] > document["personalize"]["fixed_dollars"]
    settings = [saving["setting"] for saving in document["savings"]]
    assert {"stream_retention_hours", "provisioned_concurrency", "dashboards", "limits.history_length"} <= set(settings)
    assert document["measured"] is None


def test_assembly_of_two_environments_is_refused_with_their_names(assembly):
    name = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/alsolike/prod/region"}}
    (assembly / "prod.template.json").write_text(json.dumps({"Resources": {"Name": name}}))

    with pytest.raises(InvalidInput, match=r"environments of .*: \['prod', 'shop'\], expected one"):
        run_cost("--assembly", assembly)


def test_cost_has_load_date_and_separate_fixed_and_usage_totals(assembly):
    document = json.loads(run_cost("--assembly", str(assembly), *LOAD, "--json"))

    output = run_cost("--assembly", str(assembly), *LOAD)

    assert "Alsolike shop: 1,000 users, 100 items, 24,000 events and 240,000 requests a day" in output
    assert "assumed: 2 events a call, 50% of events with a user, a peak of 3 times the mean" in output
    assert f"prices of {document['prices']['date']}, us-east-1" in output
    fixed, usage = output.split("Fixed: due without any load")[1].split("Usage", 1)
    assert re.search(rf"shards +│ +1,460 │ shard-hour +│ +0.015 │ +{2 * 730 * 0.015:.2f} │", fixed)
    assert "time of recommend" not in fixed
    assert re.search(r"time of recommend .*GB-s +│ 0\.0000133334 │", usage)
    total, other = document["dollars"], document["personalize"]["dollars"]
    assert re.search(rf"total a month +│ +{total:,.2f} │ +{other:,.2f} │", output)
    assert "not confirmed by any page that could be read: the prices kinesis_long_term_gb" in output
    assert re.search(r"dashboards +│ +health │ +none │ +3\.00 │", output)


def test_options_explain_quantities_and_subtract_the_free_tier(assembly):
    output = " ".join(run_cost("--assembly", str(assembly), *LOAD, "--how", "--free-tier").split())

    assert "one unit an event, and three a session that signs in" in output
    assert "730 hours, less the free tier" in output


def test_cost_without_an_assembly_synthesizes_the_environment(assembly, monkeypatch):
    def synthesize(environment, *, without_layers, settings):
        assert (environment, without_layers, settings) == ("prod", True, {"size": "large"})
        return assembly

    monkeypatch.setattr(embedded_cloud, "synthesize", synthesize)

    assert json.loads(run_cost("--environment", "prod", "--size", "large", "--json"))["environment"] == "shop"


def test_measured_durations_and_log_sizes_replace_defaults(assembly, monkeypatch):
    measured = CallFigures(calls=9, mean_ms=49.2, max_memory_mb=321, log_bytes=1_500, records=1.0)
    monkeypatch.setattr(measuring, "measure", lambda **_: Measured({"recommend": measured}))

    document = json.loads(run_cost("--assembly", str(assembly), *LOAD, "--measure", "--json"))
    table = run_cost("--assembly", str(assembly), *LOAD, "--measure")

    lines = {line["what"]: line for line in document["lines"]}
    requests = 240_000 * 730 / 24
    assert lines["time of recommend"]["quantity"] == pytest.approx(requests * 0.050 * 2)
    assert lines["log of recommend"]["quantity"] == pytest.approx(requests * (1_500 + 330) / 1e9)
    assert document["measured"]["functions"]["recommend"]["max_memory_mb"] == 321
    assert "Lambda's, and its waits for AWS, differ" in document["measured"]["remarks"][0]
    assert re.search(r"recommend +│ +9 │ +49\.2 │ +321 │ +2,048 │ +1,500 │", table)


def test_call_and_record_durations_are_scaled_equally():
    measured = CallFigures(calls=1, mean_ms=160, max_memory_mb=1, log_bytes=1, records=10)

    duration = measured.duration(Duration(call_ms=60, record_ms=2))

    assert (duration.call_ms, duration.record_ms) == pytest.approx((120, 4))


def report(ms, mb, init=""):
    memory = f"Memory Size: 512 MB\tMax Memory Used: {mb} MB"
    return f"REPORT RequestId: 1\tDuration: {ms} ms\tBilled Duration: 9 ms\t{memory}{init}"


def test_measured_metrics_use_warm_calls():
    cold, warm = report(900, 60, "\tInit Duration: 1 ms\t"), report(20, 50)
    logs = {
        "update_profiles": [cold, warm, report(40, 55), "START RequestId: 1 Version: 2", "another line"],
        "build_dataset": [report(7, 40)],
        "collect": [],
    }

    measured = figures(logs, records={"update_profiles": 12})

    log_bytes = round((len("another line") + 26) / 3)
    assert measured == {
        "update_profiles": CallFigures(calls=3, mean_ms=30, max_memory_mb=60, log_bytes=log_bytes, records=4),
        "build_dataset": CallFigures(calls=1, mean_ms=7, max_memory_mb=40, log_bytes=0),
    }


def test_compare_prints_the_difference_per_service(assembly, tmp_path_factory, monkeypatch):
    more_shards = tmp_path_factory.mktemp("more-shards")
    template = (assembly / "shop.template.json").read_text().replace('"ShardCount": 2', '"ShardCount": 3')
    (more_shards / "shop.template.json").write_text(template)
    monkeypatch.setattr(
        embedded_cloud, "synthesize", lambda *_, settings, **__: more_shards if settings == {"shards": 3} else assembly
    )

    output = run_cost(*LOAD, "--compare", "shards=3")

    # One shard costs $0.015 per hour, and $0.020 per hour for a longer retention of records.
    table = output.split("With shards=3")[1]
    assert [(row[0], row[3]) for row in cells(table)] == [("Kinesis", "25.55"), ("total a month", "25.55")]


NOVEMBER = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)


def put_counts(deployment, at, *, events, answers):
    for name, service, value in (
        ("EventsAccepted", "collect", events - 1),
        ("EventsAccepted", "read_kafka", 1),
        ("RecommendationsServed", "recommend", answers),
    ):
        dimensions = [{"Name": "service", "Value": service}]
        datum = {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": value}
        deployment.client("cloudwatch").put_metric_data(Namespace="Alsolike/shop", MetricData=[datum])


@pytest.mark.parametrize(
    ("month", "events", "requests"),
    [("2026-10", 31_000 / 31, 6_200 / 31), ("2026-11", 30_000 / 15, 15_000 / 15)],
)
def test_cost_uses_the_counted_load_of_a_month(shop, month, events, requests):
    put_counts(shop, dt.datetime(2026, 10, 1, 0, 30, tzinfo=dt.UTC), events=30_000, answers=6_000)
    put_counts(shop, dt.datetime(2026, 10, 31, 23, 30, tzinfo=dt.UTC), events=1_000, answers=200)
    put_counts(shop, dt.datetime(2026, 11, 1, 0, 30, tzinfo=dt.UTC), events=30_000, answers=15_000)
    other = Load(users=7, events_per_day=1, requests_per_day=1, items=8, events_per_call=3)

    load = monthly_load(shop, month, other=other, now=NOVEMBER)

    assert load == dataclasses.replace(other, events_per_day=round(events), requests_per_day=round(requests))


@pytest.mark.parametrize(
    ("month", "message"),
    [
        ("2026-13", "the month is '2026-13', expected YYYY-MM"),
        ("2026-1", "the month is '2026-1', expected YYYY-MM"),
        ("October", "the month is 'October', expected YYYY-MM"),
        ("0000-01", "expected YYYY-MM"),
        ("2026-12", "the month is 2026-12, which has not begun; expected 2026-11 or earlier"),
        ("2026-09", "counted no events and no responses in 2026-09"),
    ],
)
def test_cost_of_a_month_without_a_load_is_refused(shop, month, message):
    other = Load(users=7, events_per_day=1, requests_per_day=1, items=8)

    with pytest.raises((InvalidInput, NotFound), match=message):
        monthly_load(shop, month, other=other, now=NOVEMBER)


def test_stored_users_and_items_of_a_month_exclude_deleted_rows(shop):
    dynamodb, names = shop.client("dynamodb"), shop.names
    users, items = UserStore(dynamodb, names.users_table), CatalogueStore(dynamodb, names.catalogue_table)
    users.put([User(f"user{number}", {}) for number in range(3)], now_ms=1)
    items.put([Item(f"item{number}", {}) for number in range(5)], now_ms=1)
    items.delete("item0", now_ms=2)
    put_counts(shop, NOVEMBER - dt.timedelta(hours=1), events=15, answers=15)
    other = Load(users=7, events_per_day=1, requests_per_day=1, items=8)

    load = monthly_load(shop, "2026-11", other=other, now=NOVEMBER)

    assert (load.users, load.items) == (3, 4)


def test_two_months_are_compared_by_service(shop, assembly, monkeypatch):
    monkeypatch.setattr(embedded_cloud, "synthesize", lambda *_, **__: assembly)
    this_month = dt.datetime.now(dt.UTC).replace(day=1, hour=0, minute=0, second=0)
    last_month = (this_month - dt.timedelta(days=1)).replace(day=1)
    put_counts(shop, last_month, events=31_000_000_000, answers=31_000_000_000)
    put_counts(shop, this_month, events=1_000, answers=1_000)
    months = [f"{at:%Y-%m}" for at in (last_month, this_month)]

    table = run_cost("--env", "shop", "--month", months[0], "--month", months[1])
    document = json.loads(run_cost("--env", "shop", "--month", months[0], "--month", months[1], "--json"))

    assert f"{months[0]}, $" in table
    assert "requests a day on average" in table
    assert (document["month"], document["compared"]["month"]) == tuple(months)
    assert document["dollars"] > document["compared"]["dollars"]


ROOT = Path(__file__).parents[3]


def test_metrics_list_cost_grows_with_versions_and_arms():
    few = run_json("metrics")
    more = run_json("metrics", "--versions", "3", "--arms", "4")

    assert few["series"] == sum(each["series"] for each in few["metrics"])
    assert more["series"] - few["series"] == 7 * (1 + 4)  # There are seven rates, each by model version and by arm.
    assert few["usd_a_month"] < few["most_usd_a_month"]
    # Both values are rounded.
    assert more["usd_a_month"] - few["usd_a_month"] == pytest.approx(35 * 0.30 / 24, abs=0.011)


def test_namespace_is_that_of_deployed_functions():
    printed = run_json("metrics")["namespace"]

    assert printed.replace("<environment>", "prod") == namespace(Settings(name="prod", region="eu-west-1"))


def test_documentation_has_the_totals_of_the_list():
    found = run_json("metrics")
    documented = " ".join((ROOT / "docs" / "observability.md").read_text().split())

    assert (
        f"pays about ${found['usd_a_month']:.2f} a month for its {found['series']} series, "
        f"and at most ${found['most_usd_a_month']:.2f} if all rare metrics"
    ) in documented


def test_table_has_the_total_cost():
    answer = run("metrics")

    assert "EventsNotAttributed" in answer.stdout
    assert "namespace Alsolike/<environment>" in answer.stdout.splitlines()
    assert "a month, at most $" in answer.stdout.splitlines()[-1]
