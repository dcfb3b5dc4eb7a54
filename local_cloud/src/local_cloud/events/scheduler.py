"""Scheduler, which fires rules and schedules when they are due."""

import operator
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local_cloud.deployment import Deployment
from local_cloud.events.clock import Clock
from local_cloud.events.schedule_expressions import Schedule, ScheduleExpressionError, parse_schedule
from local_cloud.events.targets import Target, TargetQueue

_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """EventBridge rule, or schedule of EventBridge Scheduler, with its targets."""

    arn: str
    schedule: Schedule
    targets: tuple[Target, ...]
    starts: datetime | None = None
    ends: datetime | None = None

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def is_rule(self) -> bool:
        return ":rule/" in self.arn

    def event(self, due: datetime) -> Mapping[str, Any]:
        """Return the event of a firing. A schedule of EventBridge Scheduler without input sends an empty object."""
        if not self.is_rule:
            return {}
        region, account = self.arn.split(":")[3:5]
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


class Scheduler:
    def __init__(
        self,
        schedules: Iterable[Scheduled],
        *,
        clock: Clock,
        targets: TargetQueue,
        enabled: Callable[[Scheduled], bool],
    ) -> None:
        self._clock = clock
        self._targets = targets
        self._enabled = enabled
        self._firing = threading.RLock()
        self._wake = threading.Event()
        self._stopping = False
        self._schedules = {scheduled.arn: scheduled for scheduled in schedules}
        self._due: dict[str, datetime] = {}
        self._fired = {scheduled.name: 0 for scheduled in self._schedules.values()}
        now = clock.now()
        for scheduled in self._schedules.values():
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
            return {self._schedules[arn].name: at for arn, at in self._due.items()}

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
                waits_s = [(at - self._clock.now()).total_seconds() for at in self._due.values()]
            self._wake.wait(max(0.0, min([*waits_s, _LONGEST_WAIT_S])))
            self._wake.clear()

    def _fire_due(self) -> list[Firing]:
        firings = []
        with self._firing:
            while self._due and not self._stopping:
                arn, at = min(self._due.items(), key=operator.itemgetter(1))
                if at > self._clock.now():
                    break
                scheduled = self._schedules[arn]
                self._plan(scheduled, at)
                if self._enabled(scheduled):
                    event = scheduled.event(at)
                    for target in scheduled.targets:
                        self._targets.submit(target, event)
                    self._fired[scheduled.name] += 1
                    firings.append(Firing(scheduled.name, at))
        return firings

    def _plan(self, scheduled: Scheduled, moment: datetime) -> None:
        self._due.pop(scheduled.arn, None)
        at = scheduled.schedule(moment)
        if at is not None and (scheduled.ends is None or at <= scheduled.ends):
            self._due[scheduled.arn] = at


def read_schedules(deployment: Deployment) -> list[Scheduled]:
    found = []
    for resource in (*deployment.of_type("AWS::Events::Rule"), *deployment.of_type("AWS::Scheduler::Schedule")):
        properties, arn = resource.properties, resource.attributes["Arn"]
        if "ScheduleExpression" not in properties:
            continue
        zone = properties.get("ScheduleExpressionTimezone", "UTC")
        try:
            schedule = parse_schedule(properties["ScheduleExpression"], zone=zone)
        except ScheduleExpressionError as error:
            raise resource.refusal("ScheduleExpression", str(error)) from error
        targets = [properties["Target"]] if "Target" in properties else properties.get("Targets", [])
        found.append(
            Scheduled(
                arn,
                schedule,
                tuple(Target(arn, target) for target in targets),
                starts=_moment(properties.get("StartDate")),
                ends=_moment(properties.get("EndDate")),
            )
        )
    return found


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
