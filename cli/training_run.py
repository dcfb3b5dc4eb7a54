"""One run of the training workflow: started, followed, and what came of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from alsolike.errors import AlsolikeError, Unavailable
from cli.aws import asking
from cli.deployment import Deployment


class TrainingFailed(AlsolikeError):
    """The workflow ended without a model; the champion is the one from before."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished run says.

    Attributes
    ----------
    decision
        `promoted`, `rejected` by the gate, or `rolled_back` from its trial.
    reasons
        Why.
    """

    run_id: str
    version: str
    decision: str
    reasons: tuple[str, ...]
    interactions: int
    users: int
    items: int
    duration_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """An execution of the workflow, finished or not.

    Attributes
    ----------
    run_id, version, decision
        None where the run has not come so far, or failed before.
    reason
        Why it failed, if it did.
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


def start(deployment: Deployment) -> str:
    """Start the workflow and return the execution's ARN.

    Raises
    ------
    Unavailable
        If Step Functions does not take it.
    """
    arn = deployment.names.state_machine_arn
    with asking(f"state machine {arn}"):
        answer = deployment.client("stepfunctions").start_execution(
            stateMachineArn=arn, name=str(uuid.uuid4()), input="{}"
        )
    return str(answer["executionArn"])


def follow(
    deployment: Deployment, execution_arn: str, *, on_state: Callable[[str], None] = lambda state: None
) -> Outcome:
    """Wait for the execution's end.

    Parameters
    ----------
    on_state
        Told the name of each state as it is entered.

    Raises
    ------
    TrainingFailed
        With the error and its cause.
    Unavailable
        If Step Functions does not answer.
    """
    client = deployment.client("stepfunctions")
    told = 0
    while True:
        with asking(f"execution {execution_arn}"):
            execution = client.describe_execution(executionArn=execution_arn)
            events = _history(client, execution_arn)
        states = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
        for state in states[told:]:
            on_state(state)
        told = len(states)
        if execution["status"] != "RUNNING":
            break
        time.sleep(0.5 if deployment.is_local else 5.0)
    if execution["status"] != "SUCCEEDED":
        raise TrainingFailed(
            f"training {execution['status'].lower()} after {' > '.join(states)}: {_cause(execution, events)}"
        )
    return _outcome(execution)


def _run(client: Any, execution_arn: str) -> Run:
    execution, events = client.describe_execution(executionArn=execution_arn), _history(client, execution_arn)
    said: dict[str, Any] = {}  # what the states have added so far; the output of a run that has ended is its last
    for event in events:
        said |= _document(event.get("stateExitedEventDetails", {}).get("output"))
    dataset, registration, canary = (said.get(key) or {} for key in ("dataset", "registration", "canary"))
    return Run(
        name=execution_arn.rpartition(":")[2],
        status=execution["status"],
        started=execution["startDate"].astimezone(dt.UTC),
        run_id=dataset.get("run_id"),
        version=registration.get("version"),
        decision=canary.get("state") or registration.get("verdict"),
        reason=None if execution["status"] in ("RUNNING", "SUCCEEDED") else _cause(execution, events),
    )


def _document(text: str | None) -> dict[str, Any]:
    try:
        document = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _history(client: Any, execution_arn: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return sorted((event for page in pages for event in page["events"]), key=lambda event: int(event["id"]))


def _cause(execution: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str:
    """Return error and cause as one line: those of the step that failed last, which the workflow may have caught."""
    failures = [execution]
    for event in events:
        failures += [
            details
            for name, details in event.items()
            if name.endswith("FailedEventDetails") and name != "executionFailedEventDetails"
        ]
    failure = failures[-1]
    error, cause = failure.get("error") or "no error named", failure.get("cause") or "no cause named"
    try:  # a service's cause is a JSON document with the message inside
        document = orjson.loads(cause)
        said = next(document[key] for key in ("FailureReason", "errorMessage") if key in document)
    except (orjson.JSONDecodeError, StopIteration, TypeError):
        said = cause
    return f"{error}: {said}"


def _outcome(execution: Mapping[str, Any]) -> Outcome:
    try:
        output = orjson.loads(execution["output"])
        dataset, registration, canary = output["dataset"], output["registration"], output.get("canary")
        return Outcome(
            run_id=dataset["run_id"],
            version=registration["version"],
            decision=canary["state"] if canary else registration["verdict"],
            reasons=(*registration["reasons"], *(canary["reasons"] if canary else ())),
            interactions=dataset["interactions"],
            users=dataset["users"],
            items=dataset["items"],
            duration_s=(execution["stopDate"] - execution["startDate"]).total_seconds(),
        )
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        output = execution.get("output")
        raise Unavailable(f"execution {execution['executionArn']} ended with an unknown output: {output}") from error
