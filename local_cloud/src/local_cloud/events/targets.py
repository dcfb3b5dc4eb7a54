"""Targets of EventBridge rules and schedules: their messages, retries and dead-letter queues.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.delivery import Delivery, Message, UndeliverableError
from local_cloud.work_queue import Keep, WorkQueue

# AWS retries for up to 24 hours. A local target that fails three times would probably always fail.
MAX_ATTEMPTS = 3
_RETRY_DELAY_S = 0.2
WORK = "target"
"""Name under which `TargetQueue` records an event until it is delivered or given up."""
_PATH_STEP = re.compile(r"\.([A-Za-z0-9_\-]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.\-]+)>")


@dataclass(frozen=True, slots=True)
class Target:
    """Target in CloudFormation's format, with the ARN of its rule or schedule."""

    owner_arn: str
    properties: Mapping[str, Any]

    @property
    def arn(self) -> str:
        return str(self.properties["Arn"])

    @property
    def dead_letters(self) -> str | None:
        arn = (self.properties.get("DeadLetterConfig") or {}).get("Arn")
        return str(arn) if arn else None

    @property
    def max_attempts(self) -> int:
        policy = self.properties.get("RetryPolicy") or {}
        return int(min(policy.get("MaximumRetryAttempts", MAX_ATTEMPTS - 1) + 1, MAX_ATTEMPTS))

    def message(self, event: Mapping[str, Any]) -> Message:
        kinesis = self.properties.get("KinesisParameters") or {}
        fixed_key = kinesis.get("PartitionKey")
        key_path = kinesis.get("PartitionKeyPath")
        return Message(
            target_input(self.properties, event, rule_arn=self.owner_arn),
            group_id=(self.properties.get("SqsParameters") or {}).get("MessageGroupId"),
            partition_key=fixed_key or (str(value_at(event, key_path)) if key_path else None),
        )


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], *, rule_arn: str = "") -> Any:
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        return value_at(event, target["InputPath"])
    if transformer := target.get("InputTransformer"):
        values = {name: value_at(event, path) for name, path in (transformer.get("InputPathsMap") or {}).items()}
        values |= {
            "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
            "aws.events.event.json": event,
            "aws.events.event.ingestion-time": event.get("time"),
            "aws.events.rule-arn": rule_arn,
            "aws.events.rule-name": rule_arn.rpartition("/")[2],
        }
        text = fill_template(transformer["InputTemplate"], values)
        try:
            return json.loads(text)
        except ValueError:
            return text
    return event


def value_at(document: Any, path: str) -> Any:
    """Return the value at a JSON path such as `$.detail.items[0]`, or None if it does not exist."""
    steps = list(_PATH_STEP.finditer(path.removeprefix("$")))
    if "".join(step[0] for step in steps) != path.removeprefix("$"):
        raise ValueError(f"JSON path {path!r}: only names and positions are known here")
    for step in steps:
        if step[2] is not None:
            position = int(step[2])
            document = document[position] if isinstance(document, list) and position < len(document) else None
        else:
            name = step[1] or step[3]
            document = document.get(name) if isinstance(document, Mapping) else None
    return document


def fill_template(template: str, values: Mapping[str, Any]) -> str:
    """Replace `<name>` with text within a JSON string, and with JSON elsewhere."""

    def filled(placeholder: re.Match[str]) -> str:
        if placeholder[1] not in values:
            return placeholder[0]
        value = values[placeholder[1]]
        is_in_string = len(re.findall(r'(?<!\\)"', template[: placeholder.start()])) % 2 == 1
        if not is_in_string:
            return json.dumps(value, default=str)
        text = value if isinstance(value, str) else "" if value is None else json.dumps(value, default=str)
        return json.dumps(text)[1:-1]

    return _PLACEHOLDER.sub(filled, template)


@dataclass(slots=True)
class _Event:
    target: Target
    event: Mapping[str, Any]
    attempts: int = 0


class TargetQueue:
    """Background delivery to targets, in the order of submission if the first attempts succeed."""

    def __init__(self, delivery: Delivery, *, keep: Keep, report: Callable[[str], None]) -> None:
        self._delivery = delivery
        self._report = report
        self._queue: WorkQueue[_Event] = WorkQueue(WORK, self._attempt, keep=keep, threads=1)
        self.pending, self.close = self._queue.pending, self._queue.close

    def submit(self, target: Target, event: Mapping[str, Any]) -> None:
        self._queue.accept(_Event(target, event), kept=(target, event))

    def _attempt(self, work: _Event) -> float | None:
        target, work.attempts = work.target, work.attempts + 1
        error = self._error(target.arn, lambda: target.message(work.event))
        if error is None:
            return None
        if work.attempts < target.max_attempts or self._queue.closed:
            return _RETRY_DELAY_S
        if target.dead_letters is None:
            self._report(f"{target.owner_arn}: target {target.arn} cannot be reached: {error}")
            return None
        attributes = {
            "RULE_ARN": target.owner_arn,
            "TARGET_ARN": target.arn,
            "ERROR_CODE": type(error).__name__,
            "ERROR_MESSAGE": str(error)[:256],
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        }
        if failure := self._error(
            target.dead_letters, lambda: Message(target.message(work.event).body, attributes=attributes)
        ):
            self._report(f"{target.owner_arn}: dead-letter queue {target.dead_letters}: {failure}")
        return None

    def _error(self, arn: str, message: Callable[[], Message]) -> Exception | None:
        try:
            self._delivery.send(arn, message())
        except (BotoCoreError, ClientError, UndeliverableError, ValueError) as error:
            return error
        return None
