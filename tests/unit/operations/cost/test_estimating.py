"""Bills compared with values computed by hand: fixed costs, and costs of requests, events and metrics."""

import dataclasses
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alsolike.profiles.profile import RecentInteraction, to_item
from alsolike.runtime.errors import InvalidInput
from operations import cost
from operations.cost.assembly import runs_a_month
from operations.cost.bill import DAYS
from operations.cost.charges import PROFILE_ITEM_BYTES
from operations.cost.summary import EventSource, Function, Stream, Training
from operations.prices import TABLE, Price
from tests.unit.operations.cost.bills import NOTHING, busy, dollars, summary


def test_idle_deployment_costs_its_fixed_lines():
    deployed = summary(alarm_metrics=22, composite_alarms=2, dashboards=3, secrets=2, keys=1)

    bill = cost.estimate(deployed, NOTHING)

    shard = 730 * 0.015
    assert bill.fixed_dollars == pytest.approx(shard + 22 * 0.10 + 2 * 0.50 + 3 * 3.00 + 2 * 0.40 + 1.00)
    assert bill.usage_dollars == 0
    assert bill.idle_dollars == bill.dollars


def test_snapshots_of_published_versions_are_fixed_costs():
    deployed = summary(functions={"recommend": Function(memory_mb=2_048, snap_start=True)})

    bill = cost.estimate(deployed, NOTHING)

    assert dollars(bill, "SnapStart of recommend") == pytest.approx(2 * 730 * 3_600 * 0.0000015046)
    assert all(line.fixed for line in bill.lines)


def test_request_costs_include_call_duration_and_reads():
    deployed = summary(functions={"recommend": Function(memory_mb=2_048)})
    load = dataclasses.replace(NOTHING, requests_per_day=240_000)
    durations = {"recommend": cost.Duration(call_ms=9.2, log_bytes=1_000)}

    bill = cost.estimate(deployed, load, durations=durations)

    requests = 240_000 * DAYS  # 7.3 million
    assert dollars(bill, "calls") == pytest.approx(requests * 1e-6)
    assert dollars(bill, "calls of recommend") == pytest.approx(requests * 0.2e-6)
    assert dollars(bill, "time of recommend") == pytest.approx(requests * 0.010 * 2 * 0.0000133334)
    assert dollars(bill, "profile reads") == pytest.approx(requests * 2 * 0.125e-6)
    assert dollars(bill, "log of recommend") == pytest.approx(requests * 1_000 / 1e9 * 0.50)


def test_platform_log_lines_cost_at_the_info_level():
    load = dataclasses.replace(NOTHING, requests_per_day=240_000)
    quiet, logged = (
        cost.estimate(summary(functions={"recommend": Function(memory_mb=2_048, reports=reports)}), load)
        for reports in (False, True)
    )

    lines_gb = 240_000 * DAYS * 330 / 1e9
    assert dollars(logged, "log of recommend") - dollars(quiet, "log of recommend") == pytest.approx(lines_gb * 0.50)
    # Without a setting, logs are kept for a year, compressed to 15%.
    assert dollars(logged, "logs kept") - dollars(quiet, "logs kept") == pytest.approx(lines_gb * 12 * 0.15 * 0.03)


def test_scrape_costs_the_metrics_it_reads():
    deployed = summary(functions={"observe": Function(memory_mb=2_048)})
    load = dataclasses.replace(NOTHING, scrape_interval_s=60)
    durations = {"recommend": cost.Duration(call_ms=0), "observe": cost.Duration(call_ms=500)}

    bill = cost.estimate(deployed, load, durations=durations)

    scrapes = 730 * 60
    assert dollars(bill, "metrics that Prometheus reads") == pytest.approx(scrapes * (18 + 1) * 0.01 / 1_000)
    assert dollars(bill, "time of observe") == pytest.approx(scrapes * 0.5 * 2 * 0.0000133334)
    assert dollars(bill, "calls") == pytest.approx(scrapes * 1e-6)
    assert not any("calls of observe" in remark for remark in bill.remarks)


# An interaction takes 128 bytes, and a unit 8 KB.
@pytest.mark.parametrize(("length", "units"), [(32, 0.5), (33, 1), (100, 2), (1_000, 16)])
def test_request_reads_the_latest_interactions(length, units):
    load = dataclasses.replace(NOTHING, requests_per_day=24_000, history_length=length)

    bill = cost.estimate(summary(), load)

    assert dollars(bill, "profile reads") == pytest.approx(730_000 * units * 0.125e-6)


def test_event_writes_one_item():
    load = dataclasses.replace(NOTHING, events_per_day=24_000, signed_in_percent=30)

    bill = cost.estimate(summary(), load)

    events, sessions = 24_000 * DAYS, 24_000 * DAYS / 10  # 730,000 events and 73,000 sessions.
    assert dollars(bill, "profile writes") == pytest.approx((events + 3 * 0.3 * sessions) * 0.625e-6)
    assert dollars(bill, "marks of sessions") == pytest.approx((0.7 * events + 3 * 0.3 * sessions) * 0.125e-6)
    assert dollars(bill, "PUT units") == pytest.approx(events * 0.014e-6)


def test_interactions_are_stored_until_they_expire():
    load = dataclasses.replace(NOTHING, events_per_day=24_000, signed_in_percent=30)

    bill = cost.estimate(summary(), load)

    days = 0.3 * 400 + 0.7 * 90
    assert dollars(bill, "storage") == pytest.approx(24_000 * days * (128 + 100) / 1e9 * 0.25)


def test_assumed_size_of_an_interaction_equals_the_stored_size():
    interaction = RecentInteraction(1_790_000_000_000, f"{7:032x}", "item0007919", "view")
    stored = to_item("u#user00000001", interaction, expires_s=1_790_000_000)
    texts = sum(len(name) + len(value["S"]) for name, value in stored.items() if "S" in value)

    assert texts + len("expires_at") + 10 / 2 + 1 == PROFILE_ITEM_BYTES


def test_longer_window_reduces_the_number_of_objects():
    def writes(window_s):
        source = EventSource(kind="kinesis", batch_size=10_000, window_s=window_s)
        deployed = summary(functions={"archive_events": Function(memory_mb=1_024, sources=(source,))})
        load = dataclasses.replace(NOTHING, events_per_day=86_400)  # One event per second.
        return dollars(cost.estimate(deployed, load), "writes of archive_events")

    # One event arrives per second, and the first one opens the batching window. So Lambda writes a batch every 1 + 60
    # or 1 + 300 seconds.
    assert writes(60) == pytest.approx(730 * 3_600 / 61 * 5e-6)
    assert writes(300) == pytest.approx(730 * 3_600 / 301 * 5e-6)


def test_recommendation_log_is_written_per_process():
    functions = {"recommend": Function(memory_mb=1_769), "archive_served": Function(memory_mb=512)}
    deployed = summary(functions=functions)

    def writes(requests_a_day):
        load = dataclasses.replace(NOTHING, requests_per_day=requests_a_day, peak=4)
        (line,) = [line for line in cost.estimate(deployed, load).lines if line.what == "writes of archive_served"]
        return line.quantity

    # There are 10 requests per second, and 40 at the peak, of 6.3 ms each. At the peak, 0.25 + 2 * 0.25**0.5 = 1.3
    # run concurrently, in two streams. Each stream has 5 lines per second and 5 / (1 + 5 * 5) deliveries per second.
    assert writes(864_000) == pytest.approx(2 * 5 / 26 * 730 * 3_600, rel=1e-6)
    # With 100 times as many requests, 25.2 + 2 * 25.2**0.5 = 35.2 run concurrently, in 36 streams. Each stream has
    # 27.8 lines per second.
    rate = 1_000 / 36
    assert writes(86_400_000) == pytest.approx(36 * rate / (1 + 5 * rate) * 730 * 3_600, rel=1e-6)


def test_metrics_are_charged_for_the_hours_in_which_they_are_sent():
    deployed = summary(functions={"build_dataset": Function(memory_mb=1_024)}, training=Training(runs=73))

    bill = cost.estimate(deployed, NOTHING)

    assert dollars(bill, "metrics of build_dataset") == pytest.approx(0.30 * 73 / 730)


def test_traces_are_one_per_second_and_five_percent_of_the_rest():
    deployed = summary(functions={"recommend": Function(memory_mb=1_024, tracing=True)})
    load = dataclasses.replace(NOTHING, requests_per_day=3 * 86_400)

    bill = cost.estimate(deployed, load)

    assert dollars(bill, "traces") == pytest.approx(730 * 3_600 * (1 + 0.05 * 2) * 5e-6)


def test_shards_above_the_template_are_priced_with_a_remark():
    load = dataclasses.replace(NOTHING, events_per_day=86_400_000)  # 1,000 events per second, and 3,000 at the peak.

    bill = cost.estimate(summary(), load)

    assert dollars(bill, "shards") == pytest.approx(3 * 730 * 0.015)
    assert any("stream_shards is 1: set it to 3" in remark for remark in bill.remarks)


def test_price_has_tiers():
    price = Price("Service", 1.0, "unit", tiers=((10, 0.5), (20, 0.1)))

    assert price.of(5) == 5
    assert price.of(15) == 10 + 5 * 0.5
    assert price.of(30) == 10 + 10 * 0.5 + 10 * 0.1


def test_free_tier_is_deducted_on_request():
    deployed = summary(dashboards=4, alarm_metrics=12)

    bill = cost.estimate(deployed, NOTHING, free_tier=True)

    assert dollars(bill, "dashboards") == 1 * 3.00
    assert dollars(bill, "alarms") == pytest.approx(2 * 0.10)


def test_unknown_functions_and_resources_have_a_remark():
    deployed = summary(functions={"unheard_of": Function(memory_mb=128)}, uncounted=("AWS::WAFv2::WebACL",))

    remarks = " ".join(cost.estimate(deployed, NOTHING).remarks)

    assert "unheard_of" in remarks
    assert "AWS::WAFv2::WebACL" in remarks


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("users", -1, "users is -1"),
        ("events_per_call", 11, "expected 1 to 10"),
        ("history_days", 0, "history_days is 0"),
    ],
)
def test_load_out_of_range_is_refused(field, value, message):
    with pytest.raises(InvalidInput, match=message):
        dataclasses.replace(NOTHING, **{field: value})


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


def test_prices_are_positive_and_have_a_page_of_aws():
    assert all(price.dollars > 0 and price.page.startswith("https://aws.amazon.com/") for price in TABLE.values())


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
@example(load=dataclasses.replace(NOTHING, events_per_day=123_304_732), field="events_per_day", more=3)
def test_higher_load_never_costs_less_and_lines_add_up(load, field, more):
    larger = dataclasses.replace(load, **{field: getattr(load, field) + more})

    bill, dearer = cost.estimate(busy(), load), cost.estimate(busy(), larger)

    # With another shard, batches are smaller, and rounding up may take a millisecond less per call, with at most 4 GB.
    rounded = sum(line.quantity for line in bill.lines if line.price == "lambda_requests") * 0.001 * 4 * 0.0000133334
    assert dearer.dollars >= bill.dollars * (1 - 1e-9) - rounded
    assert math.fsum(line.dollars for line in bill.lines) == pytest.approx(bill.fixed_dollars + bill.usage_dollars)
    assert all(line.dollars == pytest.approx(line.quantity * line.unit_dollars) for line in bill.lines)
    assert bill.to_json()["dollars"] == pytest.approx(bill.dollars, abs=1e-4)


def test_on_demand_stream_has_no_shard_costs():
    load = dataclasses.replace(NOTHING, events_per_day=1_000_000)

    bill = cost.estimate(summary(stream=Stream(on_demand=True)), load)

    assert dollars(bill, "shards") == 0
    assert dollars(bill, "on-demand, in") == pytest.approx(1_000_000 * DAYS * 1_024 / 1e9 * 0.08)


def test_static_lists_cost_files_instead_of_requests():
    functions = {"recommend": Function(memory_mb=1_769), "publish_lists": Function(memory_mb=2_048, runs=730)}
    deployed = summary(functions=functions, training=Training(runs=30))
    load = dataclasses.replace(NOTHING, requests_per_day=100_000, items=10_000, item_changes_per_day=500)

    none, all_of_them = (
        cost.estimate(deployed, dataclasses.replace(load, static_percent=percent)) for percent in (0, 100)
    )

    assert dollars(all_of_them, "requests for static lists") == pytest.approx(100_000 * DAYS * 4 * 1e-6)
    assert dollars(all_of_them, "static lists") == pytest.approx(100_000 * DAYS * 14_000 / 1e9 * 0.085)
    # 400 shards in each of 30 trainings, and the shards of 500 changed items a day
    assert dollars(all_of_them, "writes of static lists") == pytest.approx((30 * 400 + 500 * DAYS) * 5e-6)
    assert dollars(none, "requests for static lists") == 0
    assert {line.what for line in none.lines} - {line.what for line in all_of_them.lines} >= {
        "calls of recommend", "time of recommend",
    }  # fmt: skip
    assert cost.estimate_personalize(all_of_them.load).dollars == cost.estimate_personalize(load).dollars


def test_bill_says_that_static_lists_are_off():
    load = dataclasses.replace(NOTHING, requests_per_day=100, static_percent=50)

    remarks = cost.estimate(summary(), load).remarks

    assert "the deployment publishes no static lists: set static_lists_schedule" in remarks


def test_personalize_is_priced_by_requests_interactions_and_its_minimum():
    load = dataclasses.replace(NOTHING, events_per_day=10_000, requests_per_day=24_000, history_days=100)

    bill = cost.estimate_personalize(load)

    requests, minimum = 24_000 * DAYS, 730 * 3_600  # 730,000 of 2,628,000
    assert dollars(bill, "requests") == pytest.approx(requests * 0.15e-3)
    assert dollars(bill, "up to the minimum") == pytest.approx((minimum - requests) * 0.15e-3)
    assert dollars(bill, "training") == pytest.approx(1_000_000 * DAYS / 7 * 2e-6)
    assert bill.idle_dollars == pytest.approx(minimum * 0.15e-3)


def test_busy_campaign_of_personalize_has_no_minimum_charge():
    bill = cost.estimate_personalize(dataclasses.replace(NOTHING, requests_per_day=86_400))

    assert dollars(bill, "up to the minimum") == 0


def test_fixed_costs_of_personalize_are_the_difference_to_its_minimum():
    load = dataclasses.replace(NOTHING, events_per_day=50_000, requests_per_day=20_000)

    bill = cost.estimate_personalize(load)

    requests = 20_000 * DAYS  # 608,333
    trained, ingested = 50_000 * 365 * DAYS / 7 * 2e-6, 50_000 * DAYS * 200 / 1e9 * 0.05
    assert bill.fixed_dollars == pytest.approx((2_628_000 - requests) * 0.15e-3)  # $302.95
    assert bill.usage_dollars == pytest.approx(requests * 0.15e-3 + trained + ingested)  # $249.87


def test_remarks_combine_both_bills_and_their_unconfirmed_prices():
    kept = summary(stream=Stream(retention_hours=200), training=Training(runs=1))
    ours = dataclasses.replace(cost.estimate(kept, dataclasses.replace(NOTHING, events_per_day=1)), remarks=("a",))
    theirs = dataclasses.replace(cost.estimate_personalize(NOTHING), remarks=("b",))

    assert cost.remarks(ours, theirs) == [
        "a",
        "Personalize: b",
        "not confirmed by any page that could be read: the prices kinesis_long_term_gb, training_volume_gb",
    ]
    confirmed = dataclasses.replace(ours, remarks=(), lines=())
    assert cost.remarks(confirmed, dataclasses.replace(theirs, remarks=())) == []
