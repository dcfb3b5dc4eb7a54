"""Settings that would reduce a bill, with the amount that each saves."""

import pytest

from operations import cost
from operations.cost.bill import DAYS, MONTH_S
from operations.cost.resources import EventSource, Function, Stream, Training
from tests.unit.operations.cost.bills import NOTHING, busy, load, saved, summary


def test_saving_is_the_cost_difference_of_the_changed_setting():
    found = saved(summary(stream=Stream(retention_hours=168), dashboards=3), NOTHING)

    assert [(each.setting, each.now, each.then) for each in found.values()] == [
        ("stream_retention_hours", "168", "24"),
        ("dashboards", "all", "none"),
    ]
    assert [each.dollars for each in found.values()] == pytest.approx([730 * 0.020, 9.00])


def test_longer_archive_window_saves_objects_and_calls():
    source = EventSource(kind="kinesis", batch_size=10_000, window_s=60)
    functions = {"archive_events": Function(memory_mb=2_048, sources=(source,))}

    saving = saved(summary(functions=functions), load(events_per_day=86_400))["archive_window_s"]

    fewer = MONTH_S * (1 / 61 - 1 / 301)
    assert (saving.now, saving.then) == ("60", "300")
    # The saving consists of objects and calls, the duration of calls, and their log with its storage.
    assert fewer * (5e-6 + 0.2e-6) < saving.dollars < 3 * fewer * (5e-6 + 0.2e-6)


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


def test_savings_are_sorted_by_amount_descending():
    shop = cost.Load(users=10_000, events_per_day=500_000, requests_per_day=200_000, items=5_000)

    found = [saving.dollars for saving in cost.savings(busy(), shop)]

    assert len(found) > 3
    assert found == sorted(found, reverse=True)
