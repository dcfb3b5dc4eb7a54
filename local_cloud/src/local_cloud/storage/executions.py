"""Executions of state machines as plain records. An execution that ran when its cloud ended becomes a failure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import Execution

_FIELDS: Final = (
    "name", "sm_type", "role_arn", "exec_arn", "execution_arn", "account_id", "region_name", "start_date",
    "stop_date", "exec_status", "input_data", "input_details", "execution_input", "output", "output_details", "error",
    "cause", "trace_header", "state_machine_arn",
)  # fmt: skip


class StoredWorker:
    """History of an execution, which replaces the thread that ran it."""

    def __init__(self, events: list[Any]) -> None:
        self._events = events
        self.env = self.event_manager = self.map_run_record_pool_manager = self

    def get_event_history(self) -> list[Any]:
        return self._events

    def get(self, map_run_arn: str) -> None:
        """Return None, because map runs are not stored."""

    def get_all(self) -> list[Any]:
        return []

    def stop(self, **_: Any) -> None:
        """Do nothing, because the execution has ended."""


def has_ended(execution: Execution) -> bool:
    return execution.exec_status not in (None, ExecutionStatus.RUNNING)


def record_of(execution: Execution) -> Mapping[str, Any]:
    history = execution.to_history_output()["events"] if execution.exec_worker else []
    return {name: getattr(execution, name) for name in _FIELDS} | {"events": list(history)}


def execution_of(record: Mapping[str, Any], state_machine: Any) -> Execution:
    execution = Execution.__new__(Execution)
    vars(execution).update({name: value for name, value in record.items() if name != "events"})
    execution.state_machine = state_machine
    vars(execution)["exec_worker"] = StoredWorker(record["events"])
    execution._cloud_watch_logging_session = None
    execution._activity_store = {}
    if not has_ended(execution):
        execution.exec_status, execution.stop_date = ExecutionStatus.FAILED, datetime.now(UTC)
        execution.error = "Cloud.Stopped"
        execution.cause = "The embedded cloud ended while this execution ran. Start it again."
    return execution
