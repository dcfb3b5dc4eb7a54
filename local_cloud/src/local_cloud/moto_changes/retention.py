"""Limits of moto's data in memory: log lines, notifications, executions, iterators and state changes of alarms."""

from collections.abc import Sequence
from typing import Any, Final

from moto.cloudwatch.models import Alarm
from moto.dynamodbstreams.models import DynamoDBStreamsBackend
from moto.logs.models import LogGroup
from moto.sns.models import Topic
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local_cloud.moto_changes.change import Change, wrapping
from local_cloud.storage.executions import StoredWorker, has_ended

LOG_GROUP_BYTES: Final = 5_000_000
"""Maximum size of the lines of a log group. Each line counts `_LINE_OVERHEAD_BYTES` in addition."""
_LINE_OVERHEAD_BYTES: Final = 500
_KEPT_SHARE: Final = 0.8
"""Maximum share of `LOG_GROUP_BYTES` that remains after a full group is trimmed."""
EXECUTIONS: Final = 1_000
"""Maximum number of ended executions of a state machine."""
_WITH_MAP_RUNS: Final = 100
"""Maximum number of ended executions whose map runs can be described."""
_NOTES: Final = 100
"""Maximum number of notifications per topic, and of state changes per alarm."""
_ITERATORS: Final = 1_000
"""Maximum number of iterators of DynamoDB streams."""


def keep_newest_lines(_: object = None) -> None:
    """moto keeps all log lines."""

    @wrapping(LogGroup, "put_log_events")
    def put_log_events(original: Any, self: Any, log_stream_name: str, log_events: list[dict[str, Any]]) -> Any:
        token = original(self, log_stream_name, log_events)
        added = sum(len(event["message"]) + _LINE_OVERHEAD_BYTES for event in log_events)
        self.size_bytes = vars(self).get("size_bytes", 0) + added
        if self.size_bytes > LOG_GROUP_BYTES:
            _delete_oldest_lines(self)
        return token


def _delete_oldest_lines(group: Any) -> None:
    lines = sorted(
        (line for stream in list(group.streams.values()) for line in stream.events), key=_number, reverse=True
    )
    group.size_bytes = kept = 0
    for line in lines:
        size_bytes = len(line.message) + _LINE_OVERHEAD_BYTES
        if group.size_bytes + size_bytes > _KEPT_SHARE * LOG_GROUP_BYTES:
            break
        group.size_bytes += size_bytes
        kept += 1
    oldest = _number(lines[kept - 1]) if kept else float("inf")
    for stream in list(group.streams.values()):
        stream.events = [line for line in stream.events if _number(line) >= oldest]


def _number(line: Any) -> int:
    number: int = line.event_id
    return number


def keep_newest_executions(_: object = None) -> None:
    """moto keeps all executions, each with the objects of its thread.

    The start also deletes the threads of ended executions, except for the newest `_WITH_MAP_RUNS`.
    """

    @wrapping(StepFunctionsParserBackend, "start_execution")
    def start_execution(original: Any, self: Any, state_machine_arn: str, *arguments: Any, **options: Any) -> Any:
        started = original(self, state_machine_arn, *arguments, **options)
        machine = next(each for each in self.state_machines if each.arn == started.state_machine_arn)
        ended = [each for each in list(machine.executions) if each is not started and has_ended(each)]
        for execution in ended[:-EXECUTIONS]:
            machine.executions.remove(execution)
        for execution in ended[-EXECUTIONS:-_WITH_MAP_RUNS]:
            if not isinstance(execution.exec_worker, StoredWorker):
                execution.exec_worker = StoredWorker(execution.to_history_output()["events"])
                execution.state_machine = machine  # moto copies the machine for each execution
        return started


def keep_newest_notes(_: object = None) -> None:
    """moto keeps all notifications, state changes of alarms, and iterators of DynamoDB streams."""

    @wrapping(Topic, "publish")
    def published(publish: Any, self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return publish(self, *arguments, **options)
        finally:
            del self.sent_notifications[:-_NOTES]

    @wrapping(Alarm, "update_state")
    def updated(update: Any, self: Any, *arguments: Any, **options: Any) -> None:
        update(self, *arguments, **options)
        del self.history[:-_NOTES]

    def trimmed(call: Any, self: Any, *arguments: Any, **options: Any) -> Any:
        answer = call(self, *arguments, **options)
        for arn in list(self.shard_iterators)[:-_ITERATORS]:
            self.shard_iterators.pop(arn, None)
        return answer

    for name in ("get_shard_iterator", "get_records"):
        wrapping(DynamoDBStreamsBackend, name)(trimmed)


CHANGES: Final[Sequence[Change]] = (keep_newest_lines, keep_newest_executions, keep_newest_notes)
