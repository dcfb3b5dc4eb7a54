"""Periodic evaluation of a deployment's alarms, whose actions run when a state changes."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.alarms.alarm import ALARM, OK, MetricAlarm, read_alarm
from local_cloud.alarms.rules import State, read_rule
from local_cloud.alarms.series import Series, SeriesStore
from local_cloud.delivery import Delivery, Message, UndeliverableError
from local_cloud.deployment import Clients, Deployment, Resource

INTERVAL_S = 1.0

_ACTIONS: Mapping[str, str] = {OK: "OKActions", ALARM: "AlarmActions"}


class AlarmWatch:
    """Alarms of a deployment on the cloud's clock. Periods end at the current time, not at full minutes."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        clients: Clients,
        delivery: Delivery,
        now: Callable[[], datetime],
        report: Callable[[str], None],
        region: str,
        account: str,
    ) -> None:
        self._clients = clients
        self._delivery = delivery
        self._now = now
        self._report = report
        self._region = region
        self._account = account
        self._alarms = [_read(resource) for resource in deployment.of_type("AWS::CloudWatch::Alarm")]
        composites = deployment.of_type("AWS::CloudWatch::CompositeAlarm")
        self._rules = {resource.physical_id: _read_rule(resource) for resource in composites}
        self._states = dict.fromkeys([*(alarm.name for alarm in self._alarms), *self._rules], OK)
        self._store = SeriesStore(_watched(self._alarms))
        self._evaluating = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
        self._thread.start()

    def take(self, series: Series, pairs: Sequence[tuple[float, float]]) -> None:
        self._store.take(series, pairs, self._now())

    def evaluate(self) -> dict[str, str]:
        with self._evaluating:
            for alarm in self._alarms:
                if judged := alarm.judge(self._store, now=self._now()):
                    self._enter(alarm.name, *judged)
            for name, holds in self._rules.items():
                on = holds(lambda alarm: self._states.get(alarm, OK))
                self._enter(name, ALARM if on else OK, f"The alarm's rule is {'true' if on else 'false'}.")
            return dict(self._states)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL_S):
            self.evaluate()

    def _enter(self, name: str, state: str, reason: str) -> None:
        before = self._states[name]
        if state == before:
            return
        self._states[name] = state
        try:
            self._clients("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)
            for action, message in self._messages(name, state, reason, before=before):
                self._delivery.send(action, message)
        except (BotoCoreError, ClientError, UndeliverableError) as error:
            self._report(f"alarm {name}: {error}")

    def _messages(self, name: str, state: str, reason: str, *, before: str) -> list[tuple[str, Message]]:
        """Return the ARNs and messages of the alarm's actions for its new state."""
        described = self._clients("cloudwatch").describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        alarms: list[dict[str, Any]] = [*described["MetricAlarms"], *described["CompositeAlarms"]]
        messages = []
        for alarm in alarms:
            body = {
                "AlarmName": name,
                "AlarmDescription": alarm.get("AlarmDescription"),
                "AWSAccountId": self._account,
                "NewStateValue": state,
                "NewStateReason": reason,
                "StateChangeTime": f"{self._now():%Y-%m-%dT%H:%M:%S.000+0000}",
                "Region": self._region,
                "AlarmArn": alarm["AlarmArn"],
                "OldStateValue": before,
            }
            subject = f'{state}: "{name}" in {self._region}'
            if alarm.get("ActionsEnabled", True):
                messages += [
                    (action, Message(body, subject=subject)) for action in alarm.get(_ACTIONS.get(state, ""), ())
                ]
        return messages


def _read(resource: Resource) -> MetricAlarm:
    try:
        return read_alarm(resource.physical_id, resource.properties)
    except (KeyError, ValueError) as error:
        raise resource.refusal(None, f"the alarm cannot be evaluated here: {error}") from error


def _read_rule(resource: Resource) -> Callable[[State], bool]:
    try:
        return read_rule(resource.properties["AlarmRule"])
    except ValueError as error:
        raise resource.refusal(None, str(error)) from error


def _watched(alarms: list[MetricAlarm]) -> dict[Series, timedelta]:
    """Return the longest time range that an alarm requires of each series."""
    longest: dict[Series, timedelta] = {}
    for alarm in alarms:
        for series, back in alarm.watched.items():
            longest[series] = max(back, longest.get(series, back))
    return longest
