"""Start, progress and result of a training run."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from alsolike.runtime.errors import AlsolikeError, Unavailable
from alsolike.training import runs as training_history
from alsolike.training.runs import ExecutionHistory, TrainingRuns
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.models.training_watch import Watch


class TrainingFailed(AlsolikeError):
    """The workflow ended without success."""


class TrainingBusy(AlsolikeError):
    """Another training run is in progress, so this run was skipped."""


@dataclasses.dataclass(frozen=True, slots=True)
class TrainingResult:
    """Result of a finished run.

    `decision` is `promoted`, `rejected` by the gate, `waiting` for evidence or an operator's promotion, or
    `rolled_back` by the canary. `trained` is false if the run evaluated an existing version.
    """

    run_id: str
    version: str
    decision: str
    reasons: tuple[str, ...]
    trained: bool
    duration_s: float


def runs(deployment: Deployment) -> TrainingRuns:
    return TrainingRuns(deployment.client("stepfunctions"), deployment.names.state_machine_arn)


def start(deployment: Deployment, *, reason: str = "", imported: str = "") -> str:
    """Start the workflow and return the execution's ARN.

    `imported` is the checksum of an uploaded graph that the run evaluates instead of training a model.
    """
    given = {"reason": reason, "imported": imported}
    return runs(deployment).start({"trigger": "by-hand", **{name: text for name, text in given.items() if text}})


def follow(
    deployment: Deployment,
    execution_arn: str,
    *,
    on_state: Callable[[str], None] = lambda state: None,
    on_line: Callable[[str], None] | None = None,
) -> TrainingResult:
    """Wait until the execution ends, and return its result.

    Call `on_state` with each new state, and repeatedly with the current one. Call `on_line` with lines about the
    progress, including the log of the training job.
    """
    client = deployment.client("stepfunctions")
    history, watch = ExecutionHistory(client, execution_arn), None
    states: list[str] = []
    while True:
        with translate_aws_errors(f"execution {execution_arn}"):
            execution = client.describe_execution(executionArn=execution_arn)
            new = history.fetch()
        for state in filter(None, map(training_history.entered_state, new)):
            states.append(state)
            on_state(state)
        if on_line is not None:
            watch = watch or Watch(deployment, started=execution["startDate"])
            with translate_aws_errors("the training job"):
                for line in watch.lines(new, now=dt.datetime.now(dt.UTC)):
                    on_line(line)
        if execution["status"] != "RUNNING":
            break
        if states:
            on_state(states[-1])
        time.sleep(0.5 if deployment.is_local else 5.0)
    if execution["status"] != "SUCCEEDED":
        cause = training_history.cause(execution, history.events)
        raise TrainingFailed(f"training {execution['status'].lower()} after {' > '.join(_path(states))}: {cause}")
    return _outcome(execution)


def wait_until_begun(deployment: Deployment, execution_arn: str, *, within_s: float = math.inf) -> bool:
    """Wait until the execution holds the training lock, which usually takes seconds. Return False after `within_s`."""
    client = deployment.client("stepfunctions")
    history = ExecutionHistory(client, execution_arn)
    until_s = time.monotonic() + within_s
    while True:
        with translate_aws_errors(f"execution {execution_arn}"):
            status = (execution := client.describe_execution(executionArn=execution_arn))["status"]
            history.fetch()
        start = training_history.outputs(history.events).get("start")
        if start and start.get("first") == "busy":
            raise TrainingBusy(start["reason"])
        if start:
            return True
        if status != "RUNNING":
            raise TrainingFailed(f"{status.lower()}: {training_history.cause(execution, history.events)}")
        if time.monotonic() >= until_s:
            return False
        time.sleep(0.2 if deployment.is_local else 1.0)


def _path(states: list[str]) -> list[str]:
    """Return the distinct states in order. A canary enters some states hundreds of times."""
    return list(dict.fromkeys(states))


def _outcome(execution: Mapping[str, Any]) -> TrainingResult:
    try:
        output = orjson.loads(execution["output"])
        start, registration, canary = output["start"], output.get("registration"), output.get("canary")
        if start["first"] == "busy":
            raise TrainingBusy(start["reason"])
        return TrainingResult(
            run_id=start["run_id"],
            version=start["version"],
            decision=canary["state"] if canary else registration["verdict"],
            reasons=tuple(reason for step in (registration, canary) if step for reason in step["reasons"]),
            trained=start["first"] == "dataset",
            duration_s=(execution["stopDate"] - execution["startDate"]).total_seconds(),
        )
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        output = execution.get("output")
        raise Unavailable(f"execution {execution['executionArn']} ended with an unknown output: {output}") from error
