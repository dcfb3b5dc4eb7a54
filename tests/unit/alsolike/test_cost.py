"""Bills by hand: tiny summaries, loads that divide well."""

import dataclasses
import math
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alsolike import cost
from alsolike.cost import compute
from alsolike.cost.load import DAYS
from alsolike.cost.schedules import runs_a_month
from alsolike.cost.stores import profile_bytes
from alsolike.cost.summary import Function, Source, Stream, Summary, Training
from alsolike.errors import InvalidInput
from alsolike.prices import TABLE, Price
from alsolike.profile import Profile, RecentInteraction, to_item
from model_export import budget

NOTHING = cost.Load(users=0, events_per_day=0, requests_per_day=0, items=0, item_changes_per_day=0)


def summary(*, functions: Mapping[str, Function] | None = None, **fields: object) -> Summary:
    return Summary(environment="shop", region="us-east-1", functions=functions or {}, **fields)  # type: ignore[arg-type]


def busy() -> Summary:
    kinesis = (Source(kind="kinesis", batch_size=100, window_s=0),)
    functions = {
        "collect": Function(memory_mb=1_024, tracing=True, checks={"tombstone_check_s": 5}),
        "recommend": Function(memory_mb=1_769, tracing=True, snap_start=True, checks={"trends_check_s": 30}),
        "update_profiles": Function(memory_mb=512, tracing=True, sources=kinesis),
        "archive_events": Function(memory_mb=2_048, sources=kinesis),
        "attribute_outcomes": Function(memory_mb=4_096, runs=730.0, storage_mb=10_240),
        "build_dataset": Function(memory_mb=4_096),
    }
    training = Training(runs=4, look_s=300, looks=288, spark_above_mb=300, spark_workers=10)
    return summary(
        functions=functions, training=training, alarm_metrics=20, dashboards=3, access_log=True, table_backups=True
    )


def dollars(bill: cost.Bill, what: str) -> float:
    return sum(line.dollars for line in bill.lines if line.what == what)


def test_an_idle_deployment_costs_its_fixed_lines() -> None:
    deployed = summary(alarm_metrics=22, composite_alarms=2, dashboards=3, secrets=2, keys=1, machine_clients=2)

    bill = cost.estimate(deployed, NOTHING)

    shard = 730 * 0.015
    assert bill.fixed_dollars == pytest.approx(shard + 22 * 0.10 + 2 * 0.50 + 3 * 3.00 + 2 * 0.40 + 1.00 + 2 * 6.00)
    assert bill.usage_dollars == 0
    assert bill.idle_dollars == bill.dollars


def test_snapshots_of_published_versions_are_fixed() -> None:
    deployed = summary(functions={"recommend": Function(memory_mb=2_048, snap_start=True)})

    bill = cost.estimate(deployed, NOTHING)

    assert dollars(bill, "SnapStart of recommend") == pytest.approx(2 * 730 * 3_600 * 0.0000015046)
    assert all(line.fixed for line in bill.lines)


def test_a_request_costs_its_call_its_time_and_its_read() -> None:
    deployed = summary(functions={"recommend": Function(memory_mb=2_048)})
    load = dataclasses.replace(NOTHING, requests_per_day=240_000)
    durations = {"recommend": cost.Duration(call_ms=9.2, log_bytes=1_000)}

    bill = cost.estimate(deployed, load, durations=durations)

    requests = 240_000 * DAYS  # 7.3 million
    assert dollars(bill, "calls") == pytest.approx(requests * 1e-6)
    assert dollars(bill, "calls of recommend") == pytest.approx(requests * 0.2e-6)
    assert dollars(bill, "time of recommend") == pytest.approx(requests * 0.010 * 2 * 0.0000133334)
    assert dollars(bill, "profile reads") == pytest.approx(requests * 1 * 0.125e-6)
    assert dollars(bill, "log of recommend") == pytest.approx(requests * 1_000 / 1e9 * 0.50)


@pytest.mark.parametrize(("minutes", "tokens"), [(60, 2 * 730), (5, 2 * 12 * 730), (1_440, 2 * 730 / 24)])
def test_tokens_are_bought_as_often_as_they_run_out(minutes: int, tokens: float) -> None:
    deployed = summary(machine_clients=2, token_minutes=minutes)
    load = dataclasses.replace(NOTHING, requests_per_day=24_000)

    bill = cost.estimate(deployed, load)

    assert dollars(bill, "tokens") == pytest.approx(tokens * 0.00225)  # $3.29, $39.42, $0.14


def test_no_more_tokens_are_bought_than_there_are_calls() -> None:
    bill = cost.estimate(summary(token_minutes=5), dataclasses.replace(NOTHING, requests_per_day=24))

    assert dollars(bill, "tokens") == pytest.approx(730 * 0.00225)


@pytest.mark.parametrize(("length", "units"), [(50, 1), (100, 2), (1_000, 18)])  # 3,660, 7,260, 72,060 bytes
def test_a_profile_is_read_consistently_before_an_event_is_added(length: int, units: int) -> None:
    load = dataclasses.replace(NOTHING, events_per_day=24_000, history_length=length)

    bill = cost.estimate(summary(), load)

    assert dollars(bill, "profile reads before writes") == pytest.approx(730_000 * units * 0.125e-6)


def test_an_event_writes_its_whole_profile() -> None:
    load = dataclasses.replace(NOTHING, events_per_day=24_000, history_length=50)

    bill = cost.estimate(summary(), load)

    events = 24_000 * DAYS  # 730,000; a profile of 50 is 60 + 50 * 72 = 3,660 bytes: 4 units
    assert dollars(bill, "profile writes") == pytest.approx(events * 4 * 0.625e-6)
    assert dollars(bill, "PUT units") == pytest.approx(events * 0.014e-6)


@pytest.mark.parametrize("length", [1, 100, 1_000])
def test_a_profile_is_as_large_as_it_is_stored(length: int) -> None:
    recent = tuple(RecentInteraction(1_790_000_000_000 - n, f"{n:032x}", f"item{n:07}", "view") for n in range(length))
    stored = to_item(Profile("u#user00000001", recent), expires_s=1_790_000_000)
    size = sum(len(name) + len(next(iter(value.values()))) for name, value in stored.items())

    assert profile_bytes(dataclasses.replace(NOTHING, history_length=length)) == pytest.approx(size, abs=2)


def test_a_longer_window_makes_fewer_objects() -> None:
    def writes(window_s: int) -> float:
        source = Source(kind="kinesis", batch_size=10_000, window_s=window_s)
        deployed = summary(functions={"archive_events": Function(memory_mb=1_024, sources=(source,))})
        load = dataclasses.replace(NOTHING, events_per_day=86_400)  # one a second
        return dollars(cost.estimate(deployed, load), "writes of archive_events")

    # A window opens with an event, one comes each second: a batch each 1 + 60 seconds, each 1 + 300.
    assert writes(60) == pytest.approx(730 * 3_600 / 61 * 5e-6)
    assert writes(300) == pytest.approx(730 * 3_600 / 301 * 5e-6)


def test_metrics_are_charged_for_the_hours_in_which_they_are_sent() -> None:
    deployed = summary(functions={"build_dataset": Function(memory_mb=1_024)}, training=Training(runs=73))

    bill = cost.estimate(deployed, NOTHING)

    assert dollars(bill, "metrics of build_dataset") == pytest.approx(0.30 * 73 / 730)


def test_traces_are_one_a_second_and_a_twentieth_of_the_rest() -> None:
    deployed = summary(functions={"recommend": Function(memory_mb=1_024, tracing=True)})
    load = dataclasses.replace(NOTHING, requests_per_day=3 * 86_400)

    bill = cost.estimate(deployed, load)

    assert dollars(bill, "traces") == pytest.approx(730 * 3_600 * (1 + 0.05 * 2) * 5e-6)


def test_spot_training_costs_half_and_ends_at_its_limit() -> None:
    def training(*, spot: bool) -> float:
        deployed = summary(training=Training(runs=10, spot=spot, max_runtime_s=3_600))
        load = dataclasses.replace(NOTHING, events_per_day=10_000_000)
        return dollars(cost.estimate(deployed, load), "training")

    assert training(spot=False) == pytest.approx(10 * 0.23)
    assert training(spot=True) == pytest.approx(10 * 0.23 / 2)


def test_a_training_is_priced_with_as_many_fits_as_it_makes() -> None:
    assert compute.FITS == budget.FITS


def test_trainings_that_do_not_fit_are_said() -> None:
    deployed = summary(training=Training(runs=4, max_runtime_s=14_400))
    fits, does_not = (dataclasses.replace(NOTHING, events_per_day=events) for events in (100_000, 10_000_000))

    said = " ".join(cost.estimate(deployed, does_not).remarks)

    # 3,650 million interactions: 6 fits of 12 s a million and 240 s, 63 bytes each.
    assert f"takes about {(6 * 12 * 3_650 + 240) / 3_600:.1f} hours; training_max_runtime_s ends it after 4" in said
    assert "takes about 230 GB of memory; ml.m5.xlarge has 16" in said
    assert not [remark for remark in cost.estimate(deployed, fits).remarks if "a training on" in remark]


def test_counting_statistics_is_more_of_spark_and_less_of_training() -> None:
    spark = Training(runs=10, spark_above_mb=300, spark_workers=10)
    counts = dataclasses.replace(spark, spark_statistics=True, max_runtime_s=14_400)
    load = dataclasses.replace(NOTHING, events_per_day=10_000_000, items=100_000)  # 3,650 million interactions

    without, bill = (cost.estimate(summary(training=each), load) for each in (spark, counts))

    # Ten workers of four processors: 60 s to start, 93.1 s a million, 284 s more with statistics.
    assert dollars(without, "datasets on Spark") == pytest.approx(10 * 10 * (60 + 93.1 * 3_650 / 40) / 3_600 * 0.44)
    assert dollars(bill, "datasets on Spark") == pytest.approx(
        10 * 10 * (60 + (93.1 + 284) * 3_650 / 40) / 3_600 * 0.44
    )
    assert dollars(bill, "training") == pytest.approx(10 * 3 * 0.23)
    assert not [remark for remark in bill.remarks if "a training" in remark]
    assert "(spark_statistics)" in " ".join(without.remarks)


def test_a_training_from_statistics_that_does_not_fit_is_not_told_to_count_them() -> None:
    training = Training(runs=4, spark_above_mb=300, spark_workers=10, spark_statistics=True, max_runtime_s=7_200)
    load = dataclasses.replace(NOTHING, events_per_day=10_000_000, items=4_000_000)

    said = " ".join(cost.estimate(summary(training=training), load).remarks)

    assert "from statistics and 5,000,000 interactions takes about 3.0 hours; training_max_runtime_s ends it" in said
    assert "after 2, which is what the bill has: raise it" in said
    assert "takes about 20 GB of memory" in said  # 5 million of 63 bytes, 4 million items of 4,800: 19.5 GB
    assert "(spark_statistics)" not in said


def test_statistics_are_not_counted_where_the_function_builds_the_dataset() -> None:
    training = Training(runs=4, spark_above_mb=300, spark_workers=10, spark_statistics=True)
    load = dataclasses.replace(NOTHING, events_per_day=10_000)  # 219 MB

    assert dollars(cost.estimate(summary(training=training), load), "datasets on Spark") == 0


def test_more_shards_than_the_template_has_are_priced_and_said() -> None:
    load = dataclasses.replace(NOTHING, events_per_day=86_400_000)  # 1,000 a second, 3,000 at the peak

    bill = cost.estimate(summary(), load)

    assert dollars(bill, "shards") == pytest.approx(3 * 730 * 0.015)
    assert any("stream_shards is 1: set it to 3" in remark for remark in bill.remarks)


def test_lines_of_one_price_share_its_tiers() -> None:
    price = Price(dollars=1.0, unit="unit", page="", tiers=((10, 0.5), (20, 0.1)))

    assert price.of(5) == 5
    assert price.of(15) == 10 + 5 * 0.5
    assert price.of(30) == 10 + 10 * 0.5 + 10 * 0.1


def test_the_free_tier_is_taken_off_where_it_is_asked_for() -> None:
    deployed = summary(dashboards=4, alarm_metrics=12)

    bill = cost.estimate(deployed, NOTHING, prices=cost.Prices(free_tier=True))

    assert dollars(bill, "dashboards") == 1 * 3.00
    assert dollars(bill, "alarms") == pytest.approx(2 * 0.10)


def test_what_nothing_is_known_of_is_said() -> None:
    deployed = summary(functions={"unheard_of": Function(memory_mb=128)}, uncounted=("AWS::WAFv2::WebACL",))

    remarks = " ".join(cost.estimate(deployed, NOTHING).remarks)

    assert "unheard_of" in remarks
    assert "AWS::WAFv2::WebACL" in remarks


def test_an_instance_type_without_a_price_is_said_and_the_rest_of_the_bill_stands() -> None:
    deployed = summary(training=Training(runs=10, instance_type="ml.c5.4xlarge", volume_gb=73), dashboards=2)

    bill = cost.estimate(deployed, NOTHING)

    (said,) = (remark for remark in bill.remarks if remark.startswith("not priced"))
    assert said == (
        "not priced: 10.0 runs of 4 minutes on 1 ml.c5.4xlarge: the price table has no training_ml.c5.4xlarge_hours"
    )
    assert dollars(bill, "training") == 0
    assert dollars(bill, "dashboards") == 2 * 3.00
    assert dollars(bill, "training volumes") == pytest.approx(73 * 10 * 240 / 3_600 / 730 * 0.14)
    assert "training_schedule" not in saved(deployed, NOTHING)  # it would save what nobody knows


def test_a_type_without_a_price_is_not_said_where_nothing_trains() -> None:
    deployed = summary(training=Training(runs=0, instance_type="ml.c5.4xlarge"))

    assert not [remark for remark in cost.estimate(deployed, NOTHING).remarks if remark.startswith("not priced")]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("users", -1, "users is -1"),
        ("events_per_call", 11, "expected 1 to 10"),
        ("history_days", 0, "history_days is 0"),
    ],
)
def test_a_load_out_of_range_is_refused(field: str, value: int, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        dataclasses.replace(NOTHING, **{field: value})


def test_a_summary_survives_its_json_and_fits_into_a_variable() -> None:
    written = busy().to_json()

    assert Summary.from_json(written) == busy()
    assert len(written) < 4_000


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format_version": 2}', '{"format_version": 1, "functions": 3}'])
def test_what_is_no_summary_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Summary.from_json(text)


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("rate(5 minutes)", 730 * 12),
        ("rate(7 days)", 730 / 24 / 7),
        ("cron(0 3 * * ? *)", DAYS),
        ("cron(0/15 8-17 ? * MON-FRI *)", 4 * 10 * DAYS * 5 / 7),
        ("cron(0 0 1,15 * ? *)", 2),
    ],
)
def test_a_schedule_fires_so_often_a_month(expression: str, runs: float) -> None:
    assert runs_a_month(expression) == pytest.approx(runs)


def test_every_price_is_of_a_page_and_above_nothing() -> None:
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
def test_more_load_never_costs_less_and_lines_add_up(load: cost.Load, field: str, more: int) -> None:
    larger = dataclasses.replace(load, **{field: getattr(load, field) + more})

    bill, dearer = cost.estimate(busy(), load), cost.estimate(busy(), larger)

    # A shard more makes batches smaller, and what each is rounded up to may be a millisecond less, of 4 GB at most.
    rounded = sum(line.quantity for line in bill.lines if line.price == "lambda_requests") * 0.001 * 4 * 0.0000133334
    assert dearer.dollars >= bill.dollars * (1 - 1e-9) - rounded
    assert math.fsum(line.dollars for line in bill.lines) == pytest.approx(bill.fixed_dollars + bill.usage_dollars)
    assert all(line.dollars == pytest.approx(line.quantity * line.unit_dollars) for line in bill.lines)
    assert bill.to_json()["dollars"] == pytest.approx(bill.dollars, abs=1e-4)


def test_a_stream_on_demand_has_no_shards_to_pay_for() -> None:
    load = dataclasses.replace(NOTHING, events_per_day=1_000_000)

    bill = cost.estimate(summary(stream=Stream(on_demand=True)), load)

    assert dollars(bill, "shards") == 0
    assert dollars(bill, "on-demand, in") == pytest.approx(1_000_000 * DAYS * 1_024 / 1e9 * 0.08)


def test_personalize_is_priced_by_requests_interactions_and_its_least() -> None:
    load = dataclasses.replace(NOTHING, events_per_day=10_000, requests_per_day=24_000, history_days=100)

    bill = cost.estimate_personalize(load)

    requests, least = 24_000 * DAYS, 730 * 3_600  # 730,000 of 2,628,000
    assert dollars(bill, "requests") == pytest.approx(requests * 0.15e-3)
    assert dollars(bill, "up to the least") == pytest.approx((least - requests) * 0.15e-3)
    assert dollars(bill, "training") == pytest.approx(1_000_000 * DAYS / 7 * 2e-6)
    assert bill.idle_dollars == pytest.approx(least * 0.15e-3)


def test_a_busy_campaign_of_personalize_has_no_least() -> None:
    bill = cost.estimate_personalize(dataclasses.replace(NOTHING, requests_per_day=86_400))

    assert dollars(bill, "up to the least") == 0


def saved(deployed: Summary, load: cost.Load) -> dict[str, cost.Saving]:
    return {saving.setting: saving for saving in cost.savings(deployed, load)}


def test_a_saving_is_what_the_changed_setting_costs_less() -> None:
    deployed = summary(stream=Stream(retention_hours=168), dashboards=3)

    found = saved(deployed, NOTHING)

    assert found["stream_retention_hours"].dollars == pytest.approx(730 * 0.020)
    assert (found["stream_retention_hours"].now, found["stream_retention_hours"].then) == ("168", "24")
    assert found["dashboards"].dollars == pytest.approx(9.00)
    assert list(found) == ["stream_retention_hours", "dashboards"]


def test_a_longer_window_of_the_archive_saves_its_objects_and_calls() -> None:
    source = Source(kind="kinesis", batch_size=10_000, window_s=60)
    functions = {"archive_events": Function(memory_mb=2_048, sources=(source,))}
    load = dataclasses.replace(NOTHING, events_per_day=86_400)

    saving = saved(summary(functions=functions), load)["archive_window_s"]

    fewer = 730 * 3_600 * (1 / 61 - 1 / 301)
    assert (saving.now, saving.then) == ("60", "300")
    # Objects and calls; time of the calls, their log and how long it is kept come on top.
    assert fewer * (5e-6 + 0.2e-6) < saving.dollars < 3 * fewer * (5e-6 + 0.2e-6)


def test_what_saves_less_than_ten_cents_is_not_named() -> None:
    deployed = summary(
        stream=Stream(retention_hours=24), functions={"recommend": Function(memory_mb=128, tracing=True)}
    )

    assert cost.savings(deployed, dataclasses.replace(NOTHING, requests_per_day=100)) == []


@pytest.mark.parametrize(
    ("training", "setting"),
    [
        (Training(runs=DAYS, spot=True), "training_schedule"),
        (Training(runs=4, spot=False), "training_spot"),
        (Training(runs=30, spot=True, look_s=60, looks=1_440), "canary_interval_s"),
    ],
)
def test_trainings_name_what_would_make_them_cheaper(training: Training, setting: str) -> None:
    load = dataclasses.replace(NOTHING, events_per_day=100_000)
    functions = {"run_canary": Function(memory_mb=2_048), "build_dataset": Function(memory_mb=4_096)}

    assert setting in saved(summary(functions=functions, training=training), load)


def test_without_tracing_workflows_are_not_traced_either() -> None:
    functions = {"recommend": Function(memory_mb=1_024, tracing=True)}
    deployed = summary(functions=functions, machines_traced=True, training=Training(runs=400))
    load = dataclasses.replace(NOTHING, requests_per_day=48_000)

    saving = saved(deployed, load)["tracing"]

    assert saving.dollars == pytest.approx((48_000 * DAYS + 400) * 5e-6)
    assert saving.but == "no traces: what made one request slow is in logs alone"


def test_a_small_shop_sees_what_of_personalize_is_its_least_and_what_is_without_it() -> None:
    load = dataclasses.replace(NOTHING, events_per_day=50_000, requests_per_day=20_000)

    bill = cost.estimate_personalize(load)

    requests = 20_000 * DAYS  # 608,333
    trained, ingested = 50_000 * 365 * DAYS / 7 * 2e-6, 50_000 * DAYS * 200 / 1e9 * 0.05
    assert bill.fixed_dollars == pytest.approx((2_628_000 - requests) * 0.15e-3)  # $302.95
    assert bill.usage_dollars == pytest.approx(requests * 0.15e-3 + trained + ingested)  # $249.87


def test_remarks_are_both_bills_own_and_the_prices_that_nobody_confirmed() -> None:
    ours = dataclasses.replace(cost.estimate(summary(), NOTHING), remarks=("a",), unverified=("z", "y"))
    theirs = dataclasses.replace(cost.estimate_personalize(NOTHING), remarks=("b",), unverified=("y", "x"))

    assert cost.remarks(ours, theirs) == [
        "a",
        "Personalize: b",
        "not confirmed by any page that could be read: the prices x, y, z",
    ]
    confirmed = [dataclasses.replace(bill, remarks=(), unverified=()) for bill in (ours, theirs)]
    assert cost.remarks(*confirmed) == []


def test_savings_come_the_largest_first() -> None:
    load = cost.Load(users=10_000, events_per_day=500_000, requests_per_day=200_000, items=5_000)

    found = [saving.dollars for saving in cost.savings(busy(), load)]

    assert len(found) > 3
    assert found == sorted(found, reverse=True)
