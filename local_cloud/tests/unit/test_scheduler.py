import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_cloud.deployment import Deployment, DeploymentError, Resource
from local_cloud.events.clock import Clock
from local_cloud.events.schedule_expressions import parse_schedule
from local_cloud.events.scheduler import Scheduled, Scheduler, read_schedules
from local_cloud.events.targets import Target

HOUR = timedelta(hours=1)


class Targets:
    def __init__(self):
        self.sent: list[tuple[str, Mapping[str, Any]]] = []

    def submit(self, target, event):
        self.sent.append((target.arn, event))


def scheduled(name, expression, *, kind="rule", **options):
    arn = f"arn:aws:events:r:1:{kind}/{name}"
    return Scheduled(arn, parse_schedule(expression), (Target(arn, {"Arn": f"target of {name}"}),), **options)


@pytest.fixture
def targets():
    return Targets()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def scheduler(targets, clock):
    soon = datetime.now(UTC) + timedelta(minutes=150)
    running = Scheduler(
        [
            scheduled("each-2h", "rate(2 hours)"),
            scheduled("hourly", "rate(1 hour)"),
            scheduled("ends", "rate(1 hour)", ends=soon, kind="schedule"),
            scheduled("starts", "rate(1 hour)", starts=soon),
            scheduled("off", "rate(1 hour)"),
        ],
        clock=clock,
        targets=targets,
        enabled=lambda schedule: schedule.name != "off",
    )
    yield running
    running.close()


def test_rule_does_not_fire_before_it_is_due(scheduler, targets):
    assert scheduler.advance(timedelta(minutes=59)) == []
    assert targets.sent == []


def test_advance_returns_firings_that_the_thread_could_take(scheduler, clock, monkeypatch):
    advance = Clock.advance

    def let_the_thread_run(self, duration):
        after = advance(self, duration)
        scheduler._wake.set()
        time.sleep(0.2)
        return after

    monkeypatch.setattr(Clock, "advance", let_the_thread_run)

    assert {firing.name for firing in scheduler.advance(HOUR)} == {"hourly", "ends"}


def test_due_rules_fire_in_the_order_of_their_times(scheduler, targets):
    fired = scheduler.advance(4 * HOUR + timedelta(minutes=1))

    assert [firing.due for firing in fired] == sorted(firing.due for firing in fired)
    names = [firing.name for firing in fired]
    # "starts" is first due one hour after 2:30, and "ends" is not due after 2:30.
    assert {name: names.count(name) for name in set(names)} == {"each-2h": 2, "hourly": 4, "ends": 2, "starts": 1}
    assert [target for target, _ in targets.sent] == [f"target of {name}" for name in names]
    assert scheduler.counts()["off"] == 0


def test_event_has_the_time_at_which_it_was_due(scheduler, targets):
    fired = scheduler.advance(HOUR)

    events = dict(targets.sent)
    due = next(firing.due for firing in fired if firing.name == "hourly")
    assert events["target of hourly"]["time"] == f"{due:%Y-%m-%dT%H:%M:%SZ}"
    assert events["target of hourly"]["resources"] == ["arn:aws:events:r:1:rule/hourly"]
    assert events["target of ends"] == {}


def test_clock_continues_from_the_advanced_time(clock):
    before = clock.now()

    after = clock.advance(HOUR)

    assert HOUR <= after - before < HOUR + timedelta(minutes=1)
    with pytest.raises(ValueError, match="negative"):
        clock.advance(-HOUR)


@pytest.mark.parametrize("resource_type", ["AWS::Events::Rule", "AWS::Scheduler::Schedule"])
def test_refused_expression_error_names_the_resource(resource_type):
    properties = {"ScheduleExpression": "cron(0 8 * * * *)", "Target": {}}
    resource = Resource("shop", "Nightly", resource_type, "nightly", {"Arn": "arn:rule/nightly"}, properties)

    with pytest.raises(DeploymentError, match=r"stack shop, resource Nightly .*, property ScheduleExpression: .*'cron"):
        read_schedules(Deployment((resource,), {}))
