"""Periodic evaluation of a deployment's alarms, whose actions run when a state changes."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.alarms.alarm import ALARM, OK, read_alarm
from local_cloud.alarms.expressions import read_rule
from local_cloud.alarms.series import Series, SeriesStore
from local_cloud.delivery import Delivery, Message, UndeliverableError
from local_cloud.deployment import Clients, Deployment, Resource

INTERVAL_S = 1.0

_ACTIONS: Mapping[str, str] = {OK: "OKActions", ALARM: "AlarmActions"}

_Alarm = TypeVar("_Alarm")


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
    ) -> None:
        self._clients = clients
        self._delivery = delivery
        self._now = now
        self._report = report
        self._alarms = [
            _read(resource, lambda resource: read_alarm(resource.physical_id, resource.properties))
            for resource in deployment.of_type("AWS::CloudWatch::Alarm")
        ]
        self._rules = {
            resource.physical_id: _read(resource, lambda resource: read_rule(resource.properties["AlarmRule"]))
            for resource in deployment.of_type("AWS::CloudWatch::CompositeAlarm")
        }
        self._states = dict.fromkeys([*(alarm.name for alarm in self._alarms), *self._rules], OK)
        watched: dict[Series, timedelta] = {}  # the longest time that an alarm looks back, by series
        for series, back in (pair for alarm in self._alarms for pair in alarm.watched.items()):
            watched[series] = max(back, watched.get(series, back))
        self._store = SeriesStore(watched)
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
        (alarm,) = alarms
        region, account = alarm["AlarmArn"].split(":")[3:5]
        body = {
            "AlarmName": name,
            "AlarmDescription": alarm.get("AlarmDescription"),
            "AWSAccountId": account,
            "NewStateValue": state,
            "NewStateReason": reason,
            "StateChangeTime": f"{self._now():%Y-%m-%dT%H:%M:%S.000+0000}",
            "Region": region,
            "AlarmArn": alarm["AlarmArn"],
            "OldStateValue": before,
        }
        message = Message(body, subject=f'{state}: "{name}" in {region}')
        actions = alarm.get(_ACTIONS.get(state, ""), ()) if alarm.get("ActionsEnabled", True) else ()
        return [(action, message) for action in actions]


def _read(resource: Resource, read: Callable[[Resource], _Alarm]) -> _Alarm:
    try:
        return read(resource)
    except (KeyError, ValueError) as error:
        raise resource.refusal(None, f"the alarm cannot be evaluated here: {error}") from error
