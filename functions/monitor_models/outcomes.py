"""The result of a training that was started."""

from __future__ import annotations

from typing import Any

import orjson

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.training.monitoring import Start, StartedTraining
from alsolike.training.runs import execution_arn

TURN = "First"
"""The workflow's state that a run enters after `start_training` has answered."""

_EARLIEST = 100
"""Number of a run's first events that include that state: five attempts before it have about thirty."""


def outcome_of(client: Any, state_machine_arn: str, start: Start) -> StartedTraining:
    """Return the result of an execution from Step Functions, by the start's name."""
    arn = execution_arn(state_machine_arn, start.name)
    try:
        with translate_aws_errors(f"execution {arn}"):
            execution = client.describe_execution(executionArn=arn)
            status = execution["status"]
            if status in ("RUNNING", "PENDING_REDRIVE"):
                return StartedTraining.GOING
            if status == "SUCCEEDED":
                return _of_output(arn, execution.get("output"))
            if status == "ABORTED":
                return StartedTraining.STOPPED
            events = client.get_execution_history(executionArn=arn, maxResults=_EARLIEST)["events"]
    except Unavailable as error:
        if error.code == "ExecutionDoesNotExist":  # a state machine that is replaced takes its executions along
            return StartedTraining.STOPPED
        raise
    had_turn = any(event.get("stateEnteredEventDetails", {}).get("name") == TURN for event in events)
    return StartedTraining.FAILED if had_turn else StartedTraining.NOT_BEGUN


def _of_output(arn: str, output: str | None) -> StartedTraining:
    try:
        said = orjson.loads(output or "")
        if said["start"]["first"] == "busy":
            return StartedTraining.BUSY
        return StartedTraining(said["canary"]["state"] if "canary" in said else said["registration"]["verdict"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"execution {arn} ended with an output that does not say how: {output}") from error
