"""Scheduler, which fires rules and schedules when they are due."""

import heapq
import itertools
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local_cloud.deployment import Deployment, Resource
from local_cloud.events.clock import Clock
from local_cloud.events.schedule_expressions import Schedule, ScheduleExpressionError, parse_schedule
from local_cloud.events.targets import Target, TargetQueue

_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """EventBridge rule, or schedule of EventBridge Scheduler, with its targets."""

    name: str
    arn: str
    schedule: Schedule
    targets: tuple[Target, ...]
    starts: datetime | None = None
    ends: datetime | None = None
    is_rule: bool = True

    def event(self, due: datetime, *, region: str, account: str) -> Mapping[str, Any]:
        """Return the event of a firing. A schedule of EventBridge Scheduler without input sends an empty object."""
        if not self.is_rule:
            return {}
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": account,
            "time": f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "region": region,
            "resources": [self.arn],
            "detail": {},
        }


@dataclass(frozen=True, slots=True)
class Firing:
    name: str
    due: datetime


@dataclass(order=True, slots=True)
class _Due:
    at: datetime
    order: int
    scheduled: Scheduled = field(compare=False)


class Scheduler:
    def __init__(
        self,
        schedules: Iterable[Scheduled],
        *,
        clock: Clock,
        targets: TargetQueue,
        enabled: Callable[[Scheduled], bool],
        region: str,
        account: str,
    ) -> None:
        self._clock = clock
        self._targets = targets
        self._enabled = enabled
        self._region = region
        self._account = account
        self._firing = threading.RLock()
        self._wake = threading.Event()
        self._stopping = False
        self._order = itertools.count()
        self._due: list[_Due] = []
        self._fired: dict[str, int] = {}
        now = clock.now()
        for scheduled in schedules:
            self._fired[scheduled.name] = 0
            self._plan(scheduled, max(now, scheduled.starts - timedelta(microseconds=1)) if scheduled.starts else now)
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def advance(self, duration: timedelta) -> list[Firing]:
        with self._firing:  # Without the lock, `_run` may fire some of the due schedules.
            self._clock.advance(duration)
            firings = self._fire_due()
        self._wake.set()
        return firings

    def next_due(self) -> dict[str, datetime]:
        with self._firing:
            return {due.scheduled.name: due.at for due in sorted(self._due)}

    def counts(self) -> dict[str, int]:
        with self._firing:
            return dict(self._fired)

    def close(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._fire_due()
            with self._firing:
                wait_s = (self._due[0].at - self._clock.now()).total_seconds() if self._due else _LONGEST_WAIT_S
            self._wake.wait(min(max(wait_s, 0.0), _LONGEST_WAIT_S))
            self._wake.clear()

    def _fire_due(self) -> list[Firing]:
        firings = []
        with self._firing:
            while self._due and self._due[0].at <= self._clock.now() and not self._stopping:
                due = heapq.heappop(self._due)
                self._plan(due.scheduled, due.at)
                if self._enabled(due.scheduled):
                    event = due.scheduled.event(due.at, region=self._region, account=self._account)
                    for target in due.scheduled.targets:
                        self._targets.submit(target, event)
                    self._fired[due.scheduled.name] += 1
                    firings.append(Firing(due.scheduled.name, due.at))
        return firings

    def _plan(self, scheduled: Scheduled, moment: datetime) -> None:
        at = scheduled.schedule.next_after(moment)
        if at is not None and (scheduled.ends is None or at <= scheduled.ends):
            heapq.heappush(self._due, _Due(at, next(self._order), scheduled))


def read_schedules(deployment: Deployment) -> list[Scheduled]:
    found = []
    for rule in deployment.of_type("AWS::Events::Rule"):
        if "ScheduleExpression" in rule.properties:
            arn = rule.attributes["Arn"]
            targets = tuple(Target(arn, target) for target in rule.properties.get("Targets", []))
            found.append(Scheduled(name=arn.rpartition("/")[2], arn=arn, schedule=_schedule(rule), targets=targets))
    for resource in deployment.of_type("AWS::Scheduler::Schedule"):
        properties = resource.properties
        arn = resource.attributes["Arn"]
        found.append(
            Scheduled(
                name=arn.rpartition("/")[2],
                arn=arn,
                schedule=_schedule(resource),
                targets=(Target(arn, properties["Target"]),),
                starts=_moment(properties.get("StartDate")),
                ends=_moment(properties.get("EndDate")),
                is_rule=False,
            )
        )
    return found


def _schedule(resource: Resource) -> Schedule:
    properties = resource.properties
    try:
        return parse_schedule(
            properties["ScheduleExpression"], zone=properties.get("ScheduleExpressionTimezone", "UTC")
        )
    except ScheduleExpressionError as error:
        raise resource.refusal("ScheduleExpression", str(error)) from error


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
