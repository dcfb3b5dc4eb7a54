"""Runs of the training workflow: starts, lists, results and histories from Step Functions."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import StepFunctionsClient
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from alsolike.training.executions import execution_arn, execution_name, start_execution


class ExecutionHistory:
    """Events of an execution, fetched incrementally.

    Parameters
    ----------
    page
        Maximum number of events per call. Use a small number to poll for new events, a large one to read a complete
        history.
    """

    def __init__(self, client: StepFunctionsClient, execution_arn: str, *, page: int = 100) -> None:
        self._client = client
        self._arn = execution_arn
        self._page = page
        self.events: list[dict[str, Any]] = []

    def fetch(self) -> list[dict[str, Any]]:
        """Return the events since the previous call in order."""
        known = int(self.events[-1]["id"]) if self.events else 0
        pages = self._client.get_paginator("get_execution_history").paginate(
            executionArn=self._arn, reverseOrder=True, PaginationConfig={"PageSize": self._page}
        )
        events: list[dict[str, Any]] = []
        for page in pages:  # Latest first, so that known events are not fetched again.
            events += page["events"]
            if any(int(event["id"]) <= known for event in page["events"]):
                break
        new = sorted((event for event in events if int(event["id"]) > known), key=lambda event: int(event["id"]))
        self.events += new
        return new


def entered_state(event: Mapping[str, Any]) -> str | None:
    name = event.get("stateEnteredEventDetails", {}).get("name")
    return str(name) if name else None


def state_output(event: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    details = event.get("stateExitedEventDetails")
    return (details["name"], document(details.get("output"))) if details else None


def training_job(event: Mapping[str, Any]) -> str | None:
    details = event.get("taskScheduledEventDetails", {})
    name = (
        document(details.get("parameters")).get("TrainingJobName")
        if details.get("resourceType") == "sagemaker"
        else None
    )
    return str(name) if name else None


def outputs(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the merged outputs of all exited states. For an ended run, they include the run's output."""
    added: dict[str, Any] = {}
    for event in events:
        if output := state_output(event):
            added |= output[1]
    return added


def cause(execution: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str:
    """Return the error and the cause of the last failed step as one line, even if the workflow caught the error."""
    failure: Mapping[str, Any] = execution
    for event in events:
        for name, details in event.items():
            if name.endswith("FailedEventDetails") and name != "executionFailedEventDetails":
                failure = details
    noted = outputs(events).get("failure") or {}  # The workflow records the failed step.
    return sentence({**failure, **noted})


def sentence(failure: Mapping[str, Any]) -> str:
    error, why = failure.get("error") or "no error named", failure.get("cause") or "no cause named"
    inside = document(why)
    text = next((inside[key] for key in ("FailureReason", "errorMessage") if inside.get(key)), why)
    state = f"{failure['state']}: " if failure.get("state") else ""
    after = f" (after {sentence(failure['after'])})" if failure.get("after") else ""
    return f"{state}{error}: {text}{after}"


def document(text: Any) -> dict[str, Any]:
    try:
        document = orjson.loads(text or "{}")
    except (orjson.JSONDecodeError, TypeError):
        return {}
    return document if isinstance(document, dict) else {}


RUNNING, SUCCEEDED = "RUNNING", "SUCCEEDED"
STATUSES = (RUNNING, SUCCEEDED, "FAILED", "TIMED_OUT", "ABORTED")
BUSY = "busy"

_LISTED = 100
_PAGE = 1_000
"""Step Functions' limit of events per call."""


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """State of the workflow in a run. `entered` is the time of the first entry, and `left` of the last exit, or None
    before the exit.
    """

    name: str
    entered: dt.datetime
    left: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class TrainingRun:
    """Running or ended execution of the workflow.

    Attributes
    ----------
    run_id, version, decision
        Results of the run; None until they are known. The decision is `busy` if another run was active.
    reason
        Cause of a failure, or of a run without effect.
    trains
        False for a run that only starts the canary of an existing version.
    visits
        States in the order of their first entries.
    """

    name: str
    status: str
    started: dt.datetime
    ended: dt.datetime | None = None
    run_id: str | None = None
    version: str | None = None
    decision: str | None = None
    reason: str | None = None
    start_reason: str | None = None
    trains: bool = True
    job: str | None = None
    visits: tuple[Visit, ...] = ()


class TrainingRuns:
    """Executions of a deployment's training workflow. Ended executions are cached."""

    def __init__(self, client: StepFunctionsClient, state_machine_arn: str) -> None:
        self._client, self._arn = client, state_machine_arn
        self._ended: dict[str, TrainingRun] = {}
        self._histories: dict[str, ExecutionHistory] = {}

    def start(self, document: Mapping[str, str], *, name: str | None = None) -> str:
        return start_execution(self._client, self._arn, document, name=name)

    def named(self, name: str) -> str:
        """Return the ARN of the execution with this name, which need not exist."""
        return execution_arn(self._arn, name)

    def exists(self, name: str) -> bool:
        try:
            with translate_aws_errors(f"state machine {self._arn}"):
                self._client.describe_execution(executionArn=self.named(name))
        except Unavailable as error:
            if error.code == "ExecutionDoesNotExist":
                return False
            raise
        return True

    def check_idle(self) -> None:
        """Raise `ConcurrentUpdate` if a run is active, because a second run would have no effect."""
        for execution in self._listed(statusFilter=RUNNING):
            started = execution["startDate"].astimezone(dt.UTC)
            raise ConcurrentUpdate(
                f"run {execution['name']} has been active since {started:%Y-%m-%d %H:%M:%S} UTC, "
                "and only one run is active at a time: a second run would do nothing"
            )

    def latest(self, *, maximum: int, goes_on: Callable[[], bool] = lambda: True) -> tuple[TrainingRun, ...]:
        """Return the latest runs, latest first.

        Parameters
        ----------
        goes_on
            Predicate that is called for each run that is not cached, active runs first. If it returns false, the run
            lacks the details of its history.
        """
        listed = self._listed()[:maximum]
        runs: dict[str, TrainingRun] = {}
        for execution in sorted(listed, key=lambda execution: execution["status"] != RUNNING):
            arn = execution["executionArn"]
            known = self._ended.get(arn)
            runs[arn] = known or (self._read(arn) if goes_on() else _bare(execution))
        self._ended = {arn: run for arn, run in runs.items() if arn in self._ended}
        self._histories = {arn: history for arn, history in self._histories.items() if arn in runs}
        return tuple(runs[execution["executionArn"]] for execution in listed)

    def get(self, name: str) -> TrainingRun:
        arn = self.named(name)
        return self._ended.get(arn) or self._read(arn)

    def since(self, started_ms: int) -> tuple[TrainingRun, ...]:
        """Return the runs that started at this time or later, earliest first."""
        listed: list[Mapping[str, Any]] = []
        pages = self._client.get_paginator("list_executions").paginate(
            stateMachineArn=self._arn, PaginationConfig={"PageSize": _LISTED}
        )
        with translate_aws_errors(f"state machine {self._arn}"):
            for page in pages:
                runs = [run for run in page["executions"] if run["startDate"].timestamp() * 1000 >= started_ms]
                listed += runs
                if len(runs) < len(page["executions"]):  # Later pages have only earlier runs.
                    break
        listed.sort(key=lambda execution: execution["startDate"])
        return tuple(self.get(execution_name(entry["executionArn"])) for entry in listed)

    def _listed(self, **filters: str) -> list[Mapping[str, Any]]:
        with translate_aws_errors(f"state machine {self._arn}"):
            answer = self._client.list_executions(stateMachineArn=self._arn, maxResults=_LISTED, **filters)
        executions: list[Mapping[str, Any]] = answer["executions"]  # latest first
        return executions

    def _read(self, arn: str) -> TrainingRun:
        history = self._histories.setdefault(arn, ExecutionHistory(self._client, arn, page=_PAGE))
        with translate_aws_errors(f"state machine {self._arn}"):
            execution = self._client.describe_execution(executionArn=arn)
            history.fetch()
        run = run_of(execution, history.events)
        if run.status != RUNNING:
            self._ended[arn] = run
            del self._histories[arn]
        return run


def run_of(execution: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> TrainingRun:
    """Return the run, with results from the fields `start`, `registration` and `canary` of the states' outputs."""
    output = outputs(events)
    start, registration, canary = (output.get(key) or {} for key in ("start", "registration", "canary"))
    busy, tries = start.get("first") == BUSY, start.get("first") == "canary"
    given, bare = document(execution.get("input")), _bare(execution)
    failed = bare.status not in (RUNNING, SUCCEEDED)
    return dataclasses.replace(
        bare,
        run_id=None if busy else start.get("run_id"),
        version=registration.get("version") or (start.get("version") if tries else None),
        decision=BUSY if busy else canary.get("state") or registration.get("verdict"),
        reason=cause(execution, events) if failed else start.get("reason") if busy else None,
        start_reason=start.get("reason") or given.get("reason") or given.get("trigger"),
        trains="version" not in given,
        job=next((name for event in reversed(events) if (name := training_job(event))), None),
        visits=tuple(_visits(events, ended=bare.ended)),
    )


def _bare(execution: Mapping[str, Any]) -> TrainingRun:
    ended = execution.get("stopDate")
    return TrainingRun(
        name=execution_name(execution["executionArn"]),
        status=execution["status"],
        started=execution["startDate"].astimezone(dt.UTC),
        ended=ended.astimezone(dt.UTC) if ended and execution["status"] != RUNNING else None,
    )


def _visits(events: Iterable[Mapping[str, Any]], *, ended: dt.datetime | None) -> Iterable[Visit]:
    visits: dict[str, Visit] = {}
    for event in events:
        at = event["timestamp"].astimezone(dt.UTC)
        if (entered := entered_state(event)) is not None:
            first = visits[entered].entered if entered in visits else at
            visits[entered] = Visit(entered, first, None)
        elif (left := state_output(event)) is not None and left[0] in visits:
            visits[left[0]] = dataclasses.replace(visits[left[0]], left=at)
    # The history has no exit event for the state in which a run was aborted.
    return (visit if visit.left else dataclasses.replace(visit, left=ended) for visit in visits.values())
