"""One run of the training workflow: started, followed, and what came of it."""

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
from alsolike.training.runs import ExecutionHistory, TrainingRun, TrainingRuns
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.models.training_watch import Watch


class TrainingFailed(AlsolikeError):
    """The workflow ended without a model; the champion is the one from before."""


class TrainingBusy(AlsolikeError):
    """Another run goes on; this one did nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class TrainingResult:
    """Result of a finished run.

    Attributes
    ----------
    version
        The one that it made, or that it tried.
    decision
        `promoted`, `rejected` by the gate, or `rolled_back` from its trial.
    reasons
        Why.
    trained
        Whether it built a dataset and trained, or tried a version that there was.
    """

    run_id: str
    version: str
    decision: str
    reasons: tuple[str, ...]
    trained: bool
    duration_s: float


def runs(deployment: Deployment) -> TrainingRuns:
    """Return the runs of the deployment's workflow."""
    return TrainingRuns(deployment.client("stepfunctions"), deployment.names.state_machine_arn)


def latest(deployment: Deployment, *, most: int) -> tuple[TrainingRun, ...]:
    """Return the latest runs, the last first; see `TrainingRuns.latest`."""
    return runs(deployment).latest(most=most)


def start(deployment: Deployment, *, reason: str = "") -> str:
    """Start the workflow and return the execution's ARN.

    Parameters
    ----------
    reason
        Reason that the caller states.

    Raises
    ------
    Unavailable
        If Step Functions does not take it.
    """
    return runs(deployment).start({"trigger": "by-hand", **({"reason": reason} if reason else {})})


def named(deployment: Deployment, name: str) -> str:
    """Return the ARN of an execution by its name, as `status` shows it."""
    return runs(deployment).named(name)


def follow(
    deployment: Deployment,
    execution_arn: str,
    *,
    on_state: Callable[[str], None] = lambda state: None,
    on_line: Callable[[str], None] | None = None,
) -> TrainingResult:
    """Wait for the execution's end.

    Parameters
    ----------
    on_state
        Called with the name of each entered state, and repeatedly with that of the present one.
    on_line
        Told in lines what goes on, the training job's log included.

    Raises
    ------
    TrainingFailed
        With the error and its cause.
    TrainingBusy
        If another run went on.
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
    """Wait until the execution has its turn, which takes seconds; say whether it has, or time was up before.

    Raises
    ------
    TrainingFailed
        If it ended before.
    TrainingBusy
        If another run goes on.
    """
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
    """Return the states in order, each once: a trial goes through some of them hundreds of times."""
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
