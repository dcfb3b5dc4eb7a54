"""One run of the training workflow: started, followed, and what came of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from alsolike.errors import AlsolikeError, Unavailable
from cli import training_history
from cli.aws import asking
from cli.deployment import Deployment
from cli.training_history import History
from cli.training_watch import Watch


class TrainingFailed(AlsolikeError):
    """The workflow ended without a model; the champion is the one from before."""


class TrainingBusy(AlsolikeError):
    """Another run goes on; this one did nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished run says.

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


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """An execution of the workflow, finished or not.

    Attributes
    ----------
    run_id, version, decision
        None where the run has not come so far, or failed before; the decision is `busy` where another run went on.
    reason
        Why it failed, or did nothing.
    """

    name: str
    status: str
    started: dt.datetime
    run_id: str | None
    version: str | None
    decision: str | None
    reason: str | None


def latest(deployment: Deployment, *, most: int) -> tuple[Run, ...]:
    """Return the latest runs, the last first.

    Raises
    ------
    Unavailable
        If Step Functions does not answer.
    """
    client, arn = deployment.client("stepfunctions"), deployment.names.state_machine_arn
    with asking(f"state machine {arn}"):
        # Step Functions lists the latest first; the embedded cloud does not.
        found = client.list_executions(stateMachineArn=arn)["executions"]
        found = sorted(found, key=lambda execution: execution["startDate"], reverse=True)[:most]
        return tuple(_run(client, execution["executionArn"]) for execution in found)


def start(deployment: Deployment, *, reason: str = "") -> str:
    """Start the workflow and return the execution's ARN.

    Parameters
    ----------
    reason
        Why, in the words of whoever starts it.

    Raises
    ------
    Unavailable
        If Step Functions does not take it.
    """
    arn = deployment.names.state_machine_arn
    document = {"trigger": "by-hand", **({"reason": reason} if reason else {})}
    with asking(f"state machine {arn}"):
        answer = deployment.client("stepfunctions").start_execution(
            stateMachineArn=arn, name=str(uuid.uuid4()), input=orjson.dumps(document).decode()
        )
    return str(answer["executionArn"])


def named(deployment: Deployment, name: str) -> str:
    """Return the ARN of an execution by its name, as `status` shows it."""
    return f"{deployment.names.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def follow(
    deployment: Deployment,
    execution_arn: str,
    *,
    on_state: Callable[[str], None] = lambda state: None,
    on_line: Callable[[str], None] | None = None,
) -> Outcome:
    """Wait for the execution's end.

    Parameters
    ----------
    on_state
        Told the name of each state as it is entered.
    on_line
        Told in lines what goes on, the training job's log included.

    Raises
    ------
    TrainingFailed
        With the error and its cause.
    TrainingBusy
        If another run went on.
    Unavailable
        If a service does not answer.
    """
    client = deployment.client("stepfunctions")
    history, watch = History(client, execution_arn), None
    states: list[str] = []
    while True:
        with asking(f"execution {execution_arn}"):
            execution = client.describe_execution(executionArn=execution_arn)
            new = history.fetch()
        for state in filter(None, map(training_history.entered, new)):
            states.append(state)
            on_state(state)
        if on_line is not None:
            watch = watch or Watch(deployment, started=execution["startDate"])
            with asking("the training job"):
                for line in watch.lines(new, now=dt.datetime.now(dt.UTC)):
                    on_line(line)
        if execution["status"] != "RUNNING":
            break
        time.sleep(0.5 if deployment.is_local else 5.0)
    if execution["status"] != "SUCCEEDED":
        cause = training_history.cause(execution, history.events)
        raise TrainingFailed(f"training {execution['status'].lower()} after {' > '.join(_path(states))}: {cause}")
    return _outcome(execution)


def wait_until_begun(deployment: Deployment, execution_arn: str) -> None:
    """Wait until the execution has its turn, which takes seconds.

    Raises
    ------
    TrainingFailed
        If it ended before.
    TrainingBusy
        If another run goes on.
    Unavailable
        If Step Functions does not answer.
    """
    client = deployment.client("stepfunctions")
    history = History(client, execution_arn)
    while True:
        with asking(f"execution {execution_arn}"):
            status = (execution := client.describe_execution(executionArn=execution_arn))["status"]
            history.fetch()
        start = training_history.said(history.events).get("start")
        if start and start.get("first") == "busy":
            raise TrainingBusy(start["reason"])
        if start:
            return
        if status != "RUNNING":
            raise TrainingFailed(f"{status.lower()}: {training_history.cause(execution, history.events)}")
        time.sleep(0.2 if deployment.is_local else 1.0)


def _path(states: list[str]) -> list[str]:
    """Return the states in order, each once: a trial goes through some of them hundreds of times."""
    return list(dict.fromkeys(states))


def _run(client: Any, execution_arn: str) -> Run:
    execution = client.describe_execution(executionArn=execution_arn)
    events = History(client, execution_arn).fetch()
    said = training_history.said(events)
    start, registration, canary = (said.get(key) or {} for key in ("start", "registration", "canary"))
    busy = start.get("first") == "busy"
    tries = start.get("first") == "canary"
    failed = execution["status"] not in ("RUNNING", "SUCCEEDED")
    return Run(
        name=execution_arn.rpartition(":")[2],
        status=execution["status"],
        started=execution["startDate"].astimezone(dt.UTC),
        run_id=None if busy else start.get("run_id"),
        version=registration.get("version") or (start.get("version") if tries else None),
        decision="busy" if busy else canary.get("state") or registration.get("verdict"),
        reason=training_history.cause(execution, events) if failed else start.get("reason") if busy else None,
    )


def _outcome(execution: Mapping[str, Any]) -> Outcome:
    try:
        output = orjson.loads(execution["output"])
        start, registration, canary = output["start"], output.get("registration"), output.get("canary")
        if start["first"] == "busy":
            raise TrainingBusy(start["reason"])
        return Outcome(
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
