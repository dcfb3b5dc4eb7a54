"""Bills, compared with values computed by hand, and settings that would reduce them."""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alsolike.profiles.profile import RecentInteraction, to_item
from alsolike.runtime.errors import InvalidInput
from operations import cost
from operations.cost.bill import DAYS, MONTH_S
from operations.cost.charges import DASHBOARD, PRIVATE_API, PROFILE_ITEM_BYTES, SECRET
from operations.cost.resources import BilledResources, EventSource, Function, Stream, Training, runs_a_month
from operations.prices import Price

NOTHING = cost.Load(users=0, events_per_day=0, requests_per_day=0, items=0, item_changes_per_day=0)


def load(**numbers: Any) -> cost.Load:
    return dataclasses.replace(NOTHING, **numbers)


def summary(*, functions: Mapping[str, Function] | None = None, **fields: Any) -> BilledResources:
    return BilledResources(environment="shop", region="us-east-1", functions=functions or {}, **fields)


def busy() -> BilledResources:
    kinesis = (EventSource(batch_size=100, window_s=0),)
    functions = {
        "collect": Function(memory_mb=1_024, tracing=True, checks={"tombstone_check_s": 5}),
        "recommend": Function(memory_mb=1_769, tracing=True, snap_start=True, checks={"trends_check_s": 30}),
        "update_profiles": Function(memory_mb=512, tracing=True, sources=kinesis),
        "archive_events": Function(memory_mb=2_048, sources=kinesis),
        "attribute_outcomes": Function(memory_mb=4_096, runs=730.0, storage_mb=10_240),
        "build_dataset": Function(memory_mb=4_096),
    }
    training = Training(runs=4, look_s=300, looks=288, spark_above_mb=300, spark_workers=10)
    boards = Counter({DASHBOARD: 3})
    return summary(
        functions=functions, training=training, alarm_metrics=20, counts=boards, access_log=True, table_backups=True
    )


def dollars(bill: cost.Bill, what: str) -> float:
    return sum(line.dollars for line in bill.lines if line.what == what)


def saved(deployed: BilledResources, load: cost.Load) -> dict[str, cost.Saving]:
    return {saving.setting: saving for saving in cost.savings(deployed, load)}


RECOMMEND = {"recommend": Function(memory_mb=2_048)}
CHECKING = {"recommend": Function(memory_mb=1_024, checks={"champion_check_s": 30})}
SPARK: dict[str, Any] = {"runs": 10, "spark_above_mb": 300, "spark_workers": 10}
LISTS = {"recommend": Function(memory_mb=1_769), "publish_lists": Function(memory_mb=2_048, runs=730)}
DEPLOYED_LISTS = {"functions": LISTS, "training": Training(runs=30)}
SHARD = 730 * 0.015
THOUSAND = 1_000 * DAYS  # requests per day, by month


def archive(window_s):
    source = EventSource(batch_size=10_000, window_s=window_s)
    return {"archive_events": Function(memory_mb=1_024, sources=(source,))}


# Resources, load, and dollars of lines by name
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, float]]] = {
    "fixed resources": (
        {"alarm_metrics": 22,
         "counts": Counter({"AWS::CloudWatch::CompositeAlarm": 2, DASHBOARD: 3, SECRET: 2, "AWS::KMS::Key": 1})}, {},
        {"shards": SHARD, "alarms": 22 * 0.10, "composite alarms": 2 * 0.50, "dashboards": 3 * 3.00,
         "secrets": 2 * 0.40, "keys": 1.00},
    ),
    "published version": (
        {"functions": {"recommend": Function(memory_mb=2_048, snap_start=True)}}, {},
        {"SnapStart of recommend": 2 * MONTH_S * 0.0000015046},
    ),
    "7.3 million requests of 7 ms": (
        {"functions": RECOMMEND}, {"requests_per_day": 240_000},
        {"calls": 7.3, "calls of recommend": 7.3e6 * 0.2e-6, "time of recommend": 7.3e6 * 0.007 * 2 * 0.0000133334,
         "log of recommend": 7.3e6 * 1_397 / 1e9 * 0.50, "logs kept": 7.3e6 * 1_397 / 1e9 * 12 * 0.15 * 0.03},
    ),
    "lines START, END and REPORT": (
        {"functions": {"recommend": Function(memory_mb=2_048, reports=True)}}, {"requests_per_day": 240_000},
        {"log of recommend": 7.3e6 * (1_397 + 330) / 1e9 * 0.50},
    ),
    "a scrape a minute of 18 metrics and the alarms": (
        {"functions": {"observe": Function(memory_mb=2_048)}}, {"scrape_interval_s": 60},
        {"metrics that Prometheus reads": 730 * 60 * 19 * 0.01e-3, "calls": 730 * 60 * 1e-6,
         "time of observe": 730 * 60 * 0.4 * 2 * 0.0000133334},
    ),
    # An interaction takes 128 bytes. An eventually consistent read of 4 KB is half a unit.
    "history of 32": ({}, {"requests_per_day": 24_000, "history_length": 32}, {"profile reads": 0.5 * 0.73 * 0.125}),
    "history of 33": ({}, {"requests_per_day": 24_000, "history_length": 33}, {"profile reads": 1 * 0.73 * 0.125}),
    "history of 999": ({}, {"requests_per_day": 24_000, "history_length": 999}, {"profile reads": 16 * 0.73 * 0.125}),
    "730,000 events in 73,000 sessions": (
        {}, {"events_per_day": 24_000, "signed_in_percent": 30},
        {"profile writes": (0.73 + 3 * 0.3 * 0.073) * 0.625,
         "marks of sessions": (0.7 * 0.73 + 3 * 0.3 * 0.073) * 0.125,
         "PUT units": 0.73 * 0.014, "storage": 24_000 * (0.3 * 400 + 0.7 * 90) * (128 + 100) / 1e9 * 0.25},
    ),
    # One event arrives per second, and the first one opens the window. So Lambda writes a batch every 61 or 301 s.
    "window of 60 s": (
        {"functions": archive(60)}, {"events_per_day": 86_400}, {"writes of archive_events": MONTH_S / 61 * 5e-6},
    ),
    "window of 300 s": (
        {"functions": archive(300)}, {"events_per_day": 86_400}, {"writes of archive_events": MONTH_S / 301 * 5e-6},
    ),
    # At the peak, 40 requests per second arrive: 0.25 + 2 * 0.25**0.5 = 1.3 run concurrently, in two streams. A stream
    # has 5 lines per second and 5 / (1 + 5 * 5) deliveries per second.
    "log streams of 10 requests per second": (
        {"functions": {**RECOMMEND, "archive_served": Function(memory_mb=512)}},
        {"requests_per_day": 864_000, "peak": 4},
        {"writes of archive_served": 2 * 5 / 26 * MONTH_S * 5e-6},
    ),
    # 25.2 + 2 * 25.2**0.5 = 35.2 requests run concurrently, in 36 streams of 27.8 lines per second.
    "log streams of 1,000 requests per second": (
        {"functions": {**RECOMMEND, "archive_served": Function(memory_mb=512)}},
        {"requests_per_day": 86_400_000, "peak": 4},
        {"writes of archive_served": 36 * 27.7778 / (1 + 5 * 27.7778) * MONTH_S * 5e-6},
    ),
    "metrics in 73 of 730 hours": (
        {"functions": {"build_dataset": Function(memory_mb=1_024)}, "training": Training(runs=73)}, {},
        {"metrics of build_dataset": 0.30 * 73 / 730},
    ),
    "traces of 3 requests per second": (
        {"functions": {"recommend": Function(memory_mb=1_024, tracing=True)}}, {"requests_per_day": 3 * 86_400},
        {"traces": MONTH_S * (1 + 0.05 * 2) * 5e-6},
    ),
    "1,000 events per second, 3,000 at the peak": ({}, {"events_per_day": 86_400_000}, {"shards": 3 * SHARD}),
    "on-demand stream": (
        {"stream": Stream(on_demand=True)}, {"events_per_day": 1_000_000},
        {"shards": 0, "on-demand stream": 730 * 0.04, "on-demand, in": 1e6 * DAYS * 1_024 / 1e9 * 0.08},
    ),
    # All 400 shards are written in each of 30 trainings, and the shards of 500 changed items a day.
    "static lists": (
        DEPLOYED_LISTS,
        {"requests_per_day": 100_000, "items": 10_000, "item_changes_per_day": 500, "static_percent": 100},
        {"requests for static lists": 1e5 * DAYS * 4e-6, "static lists": 1e5 * DAYS * 14_000 / 1e9 * 0.085,
         "writes of static lists": (30 * 400 + 500 * DAYS) * 5e-6, "calls of recommend": 0, "time of recommend": 0},
    ),
    "no static lists": (
        DEPLOYED_LISTS, {"requests_per_day": 100_000, "items": 10_000}, {"requests for static lists": 0},
    ),
    # One process sends one request for each of three services every five minutes.
    "own key": ({"functions": CHECKING, "own_key": True}, {"requests_per_day": 100}, {"requests": 3 * 730 * 12 * 3e-6}),
    "firewall": (
        {"firewall_rules": 4}, {"requests_per_day": 1_000, "static_percent": 100},
        {"web ACL": 5.00, "rules": 4.00, "requests": THOUSAND * 4 * 0.60e-6},
    ),
    "interface endpoints": ({"endpoints": 6}, {}, {"interface endpoints": 6 * 730 * 0.01}),
    "public API": (
        {}, {"requests_per_day": 1_000},
        {"calls": THOUSAND * 1e-6, "answers": THOUSAND * 2_200 / 1e9 * 0.09, "responses of the private API": 0},
    ),
    "private API": (
        {"counts": Counter({PRIVATE_API: 1})}, {"requests_per_day": 1_000},
        {"calls": THOUSAND * 3.5e-6, "answers": 0, "responses of the private API": THOUSAND * 2_200 / 1e9 * 0.01},
    ),
    "audit trail of two checks a minute": (
        {"functions": CHECKING, "counts": Counter({"AWS::CloudTrail::Trail": 1})}, {"requests_per_day": 10_000},
        {"data events": MONTH_S / 30 * 1e-6},
    ),
    "backups": (
        {"backup_days": 30}, {"users": 1_000_000, "items": 1_000_000},
        {"tables": 2e6 * 600 / 1e9 * 30 * 0.10, "buckets": 1e6 * (12 * 2_000 + 10 * 153) / 1e9 * 0.05},
    ),
    "training up to its time limit": (
        {"training": Training(runs=10, max_runtime_s=3_600)}, {"events_per_day": 10_000_000}, {"training": 10 * 0.23},
    ),
    "spot training": (
        {"training": Training(runs=10, max_runtime_s=3_600, spot=True)}, {"events_per_day": 10_000_000},
        {"training": 10 * 0.23 / 2},
    ),
    # Ten workers have four processors each, and one worker is the driver. The job takes 60 s to start, and 51.3 s of a
    # processor per million of 3,650 million interactions. Statistics take another 284 s of a processor per million.
    "datasets on Spark": (
        {"training": Training(**SPARK)}, {"events_per_day": 10_000_000},
        {"datasets on Spark": 10 * 10 * (60 + 51.3 * 3_650 / 36) / 3_600 * 0.44},
    ),
    "statistics on Spark": (
        {"training": Training(**SPARK, spark_statistics=True, spark_flexible=True, max_runtime_s=14_400)},
        {"events_per_day": 10_000_000, "items": 100_000},
        {"datasets on Spark": 10 * 10 * (60 + (51.3 + 284) * 3_650 / 36) / 3_600 * 0.29, "training": 10 * 3 * 0.23},
    ),
    "lake of 219 MB, below spark_above_mb": (
        {"training": Training(**SPARK, spark_statistics=True)}, {"events_per_day": 10_000}, {"datasets on Spark": 0},
    ),
    "instance type without a price": (
        {"training": Training(runs=10, instance_type="ml.c5.4xlarge", volume_gb=73),
         "counts": Counter({DASHBOARD: 2})}, {},
        {"training": 0, "dashboards": 2 * 3.00, "training volumes": 73 * 10 * 240 / 3_600 / 730 * 0.14},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bill_has_the_dollars_computed_by_hand(case):
    resources, numbers, expected = CASES[case]

    bill = cost.estimate(summary(**resources), load(**numbers))

    assert {name: dollars(bill, name) for name in expected} == pytest.approx(expected, rel=1e-5)


def test_bill_without_any_load_has_only_fixed_lines():
    bill = cost.estimate(summary(functions={"recommend": Function(memory_mb=2_048, snap_start=True)}), NOTHING)

    assert {line.service for line in bill.lines} == {"Kinesis", "Lambda"}
    assert all(line.fixed for line in bill.lines)
    assert bill.idle_dollars == bill.dollars == bill.fixed_dollars


LARGE = "a training on 3,650,000,000 interactions"
WITHOUT_PRICE = (
    "not priced: 10.0 runs of 4 minutes on ml.c5.4xlarge: the price table has no training_ml.c5.4xlarge_hours"
)


@pytest.mark.parametrize(
    ("resources", "numbers", "remarks"),
    [
        ({}, {"events_per_day": 86_400_000}, ["stream_shards is 1: set it to 3"]),
        ({}, {"requests_per_day": 100, "static_percent": 50}, ["publishes no static lists: set static_lists_schedule"]),
        ({"functions": {"unheard_of": Function(memory_mb=128)}}, {}, ["calls of unheard_of"]),
        # 3,650 million interactions take 63 bytes each. Each of 5 fits takes 544.5 s for 100 million, and 5.30 s per
        # further million. The run takes another 240 s.
        (
            {"training": Training(runs=4, max_runtime_s=14_400)}, {"events_per_day": 10_000_000},
            [f"{LARGE} takes about {(5 * (544.5 + 3_550 * 5.299) + 240) / 3_600:.1f} hours; "
             "training_max_runtime_s ends it after 4, which is what the bill has: learn from fewer "
             "(limits.retention_days), or from what Spark counts (spark_statistics)",
             "takes about 230 GB of memory; ml.m5.xlarge has 16"],
        ),
        # 5 million interactions of 63 bytes and 4 million items of 4,800 bytes take 19.5 GB.
        (
            {"training": Training(**SPARK, spark_statistics=True, max_runtime_s=7_200)},
            {"events_per_day": 10_000_000, "items": 4_000_000},
            ["from statistics and 5,000,000 interactions takes about 3.0 hours; training_max_runtime_s ends it after "
             "2, which is what the bill has: raise it", "takes about 20 GB of memory"],
        ),
        ({"training": Training(runs=10, instance_type="ml.c5.4xlarge")}, {}, [WITHOUT_PRICE]),
    ],
)  # fmt: skip
def test_bill_has_remarks(resources, numbers, remarks):
    text = "\n".join(cost.estimate(summary(**resources), load(**numbers)).remarks)

    assert [remark for remark in remarks if remark not in text] == []


@pytest.mark.parametrize(
    ("resources", "numbers", "absent"),
    [
        ({"training": Training(runs=4)}, {"events_per_day": 100_000}, "a training on"),
        (
            {"training": Training(**SPARK, spark_statistics=True, max_runtime_s=14_400)},
            {"events_per_day": 10_000_000, "items": 100_000}, "a training",
        ),
        ({"training": Training(instance_type="ml.c5.4xlarge")}, {}, "not priced"),
        ({"functions": {"observe": Function(memory_mb=1)}}, {"scrape_interval_s": 60}, "calls of observe"),
    ],
)  # fmt: skip
def test_bill_within_its_limits_has_no_remark(resources, numbers, absent):
    remarks = "\n".join(cost.estimate(summary(**resources), load(**numbers)).remarks)

    assert absent not in remarks.replace("not counted: trainings", "")


def test_assumed_size_of_an_interaction_equals_the_stored_size():
    interaction = RecentInteraction(1_790_000_000_000, f"{7:032x}", "item0007919", "view")
    stored = to_item("u#user00000001", interaction, expires_s=1_790_000_000)
    texts = sum(len(name) + len(value["S"]) for name, value in stored.items() if "S" in value)

    assert texts + len("expires_at") + 10 / 2 + 1 == PROFILE_ITEM_BYTES


def test_price_has_tiers():
    price = Price("Service", 1.0, "unit", tiers=((10, 0.5), (20, 0.1)))

    assert [price.of(quantity) for quantity in (5, 15, 30)] == [5, 10 + 5 * 0.5, 10 + 10 * 0.5 + 10 * 0.1]


def test_free_tier_is_deducted_on_request():
    bill = cost.estimate(summary(counts=Counter({DASHBOARD: 4}), alarm_metrics=12), NOTHING, free_tier=True)

    assert dollars(bill, "dashboards") == 1 * 3.00
    assert dollars(bill, "alarms") == pytest.approx(2 * 0.10)


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("rate(5 minutes)", 730 * 12),
        ("rate(7 days)", 730 / 24 / 7),
        ("cron(0 3 * * ? *)", DAYS),
        ("cron(0/15 8-17 ? * MON-FRI *)", 4 * 10 * DAYS * 5 / 7),
        ("cron(0 0 1,15 * ? *)", 2),
        ("cron(0 22-2 * * ? *)", 5 * DAYS),
        ("cron(0 8 ? * FRI-MON *)", DAYS * 4 / 7),
        ("cron(0 8 ? NOV-FEB FRIL *)", 4 / 12),
    ],
)
def test_schedule_has_its_runs_per_month(expression, runs):
    assert runs_a_month(expression) == pytest.approx(runs)


@pytest.mark.parametrize(("field", "value"), [("users", -1), ("events_per_call", 11)])
def test_load_out_of_range_is_refused(field, value):
    with pytest.raises(InvalidInput, match=f"{field} is {value}, expected"):
        load(**{field: value})


_loads = st.builds(
    cost.Load,
    users=st.integers(0, 10**8),
    events_per_day=st.integers(0, 10**9),
    requests_per_day=st.integers(0, 10**9),
    items=st.integers(0, 10**7),
)


@settings(max_examples=60, deadline=None)
@given(
    load=_loads,
    field=st.sampled_from(["users", "events_per_day", "requests_per_day", "items"]),
    more=st.integers(0, 10**8),
)
@example(load=load(events_per_day=123_304_732), field="events_per_day", more=3)
def test_higher_load_never_costs_less_and_lines_add_up(load, field, more):
    larger = dataclasses.replace(load, **{field: getattr(load, field) + more})

    bill, dearer = cost.estimate(busy(), load), cost.estimate(busy(), larger)

    # With another shard, batches are smaller. Rounding up may then add less to the duration of a call: at most a
    # millisecond, of a function with at most 4 GB.
    rounded = sum(line.quantity for line in bill.lines if line.price == "lambda_requests") * 0.001 * 4 * 0.0000133334
    assert dearer.dollars >= bill.dollars * (1 - 1e-9) - rounded
    assert math.fsum(line.dollars for line in bill.lines) == pytest.approx(bill.fixed_dollars + bill.usage_dollars)
    assert all(line.dollars == pytest.approx(line.quantity * line.unit_dollars) for line in bill.lines)
    assert bill.to_json()["dollars"] == pytest.approx(bill.dollars, abs=1e-4)


# A campaign is billed for at least one request per second: 2,628,000 a month.
@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (
            {"events_per_day": 10_000, "requests_per_day": 24_000, "history_days": 100},
            {"requests": 730_000 * 0.15e-3, "up to the minimum": (2_628_000 - 730_000) * 0.15e-3,
             "training": 1_000_000 * DAYS / 7 * 2e-6, "ingestion": 10_000 * DAYS * 200 / 1e9 * 0.05},
        ),
        ({"requests_per_day": 86_400}, {"requests": 2_628_000 * 0.15e-3, "up to the minimum": 0}),
        ({"requests_per_day": 86_400, "static_percent": 100}, {"requests": 2_628_000 * 0.15e-3}),
    ],
)  # fmt: skip
def test_personalize_is_priced_by_requests_interactions_and_its_minimum(numbers, expected):
    bill = cost.estimate_personalize(load(**numbers))

    assert {name: dollars(bill, name) for name in expected} == pytest.approx(expected)
    assert bill.fixed_dollars == pytest.approx(dollars(bill, "up to the minimum"))
    assert bill.idle_dollars == pytest.approx(2_628_000 * 0.15e-3)


def test_remarks_combine_both_bills_and_their_unconfirmed_prices():
    kept = summary(stream=Stream(retention_hours=200), training=Training(runs=1))
    ours = dataclasses.replace(cost.estimate(kept, load(events_per_day=1)), remarks=["a"])
    theirs = dataclasses.replace(cost.estimate_personalize(NOTHING), remarks=["b"])

    assert cost.remarks(ours, theirs) == [
        "a",
        "Personalize: b",
        "not confirmed by any page that could be read: the prices kinesis_long_term_gb, training_volume_gb",
    ]
    confirmed = dataclasses.replace(ours, remarks=[], lines=[])
    assert cost.remarks(confirmed, dataclasses.replace(theirs, remarks=[])) == []


def test_savings_are_cost_differences_and_the_largest_is_first():
    found = saved(summary(stream=Stream(retention_hours=168), counts=Counter({DASHBOARD: 5})), NOTHING)

    assert [(each.setting, each.now, each.then) for each in found.values()] == [
        ("dashboards", "all", "none"),
        ("stream_retention_hours", "168", "24"),
    ]
    assert [each.dollars for each in found.values()] == pytest.approx([15.00, 730 * 0.020])


def test_saving_below_ten_cents_is_omitted():
    deployed = summary(functions={"recommend": Function(memory_mb=128, tracing=True)})

    assert cost.savings(deployed, load(requests_per_day=100)) == []


@pytest.mark.parametrize(
    ("training", "setting"),
    [
        (Training(runs=DAYS, spot=True), "training_schedule"),
        (Training(runs=4, spot=False), "training_spot"),
        (Training(runs=30, spot=True, look_s=60, looks=1_440), "canary_interval_s"),
    ],
)
def test_training_costs_have_a_setting_that_reduces_them(training, setting):
    functions = {"run_canary": Function(memory_mb=2_048), "build_dataset": Function(memory_mb=4_096)}

    assert setting in saved(summary(functions=functions, training=training), load(events_per_day=100_000))


def test_tracing_saving_includes_the_workflows():
    functions = {"recommend": Function(memory_mb=1_024, tracing=True)}
    deployed = summary(functions=functions, machines_traced=True, training=Training(runs=400))

    saving = saved(deployed, load(requests_per_day=48_000))["tracing"]

    assert saving.dollars == pytest.approx((48_000 * DAYS + 400) * 5e-6)
    assert saving.but == "no traces: only logs show why a request was slow"
