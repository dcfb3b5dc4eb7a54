"""The runs of the training workflow: starts, lists and results."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from botocore.exceptions import ClientError

from alsolike import training_history
from alsolike.asking import asking
from alsolike.errors import ConcurrentUpdate
from alsolike.training_history import History

RUNNING, SUCCEEDED = "RUNNING", "SUCCEEDED"
STATUSES = (RUNNING, SUCCEEDED, "FAILED", "TIMED_OUT", "ABORTED")
BUSY = "busy"

_LISTED = 100
_PAGE = 1_000
"""Events of a history that one call returns at most."""


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """A state of the workflow, from when a run first entered it to when it last left it; None while it is in it."""

    name: str
    entered: dt.datetime
    left: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """An execution of the workflow, finished or not.

    Attributes
    ----------
    run_id, version, decision
        None if the run has not reached them, or failed before; the decision is `busy` if another run was active.
    reason
        The cause of a failure, or of doing nothing.
    asked
        The reason for the start.
    visits
        The states in the order in which they were first entered.
    """

    name: str
    status: str
    started: dt.datetime
    ended: dt.datetime | None = None
    run_id: str | None = None
    version: str | None = None
    decision: str | None = None
    reason: str | None = None
    asked: str | None = None
    visits: tuple[Visit, ...] = ()


class TrainingRuns:
    """The executions of one deployment's workflow; ended ones are read once.

    Parameters
    ----------
    client
        A low-level Step Functions client.
    state_machine_arn
        Of the workflow.
    """

    def __init__(self, client: Any, state_machine_arn: str) -> None:
        self._client, self._arn = client, state_machine_arn
        self._ended: dict[str, Run] = {}
        self._histories: dict[str, History] = {}

    def start(self, document: Mapping[str, str], *, name: str | None = None) -> str:
        """Start a run and return the execution's ARN, or that of an existing execution with the name.

        Raises
        ------
        Unavailable
            If Step Functions rejects the start.
        """
        with asking(f"state machine {self._arn}"):
            try:
                answer = self._client.start_execution(
                    stateMachineArn=self._arn, name=name or str(uuid.uuid4()), input=orjson.dumps(document).decode()
                )
            except ClientError as error:
                if name is None or error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                    raise
                return self.named(name)
        return str(answer["executionArn"])

    def named(self, name: str) -> str:
        """Return the ARN of an execution by its name."""
        return f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"

    def exists(self, name: str) -> bool:
        """Return true if an execution has that name.

        Raises
        ------
        Unavailable
            If Step Functions does not answer.
        """
        with asking(f"state machine {self._arn}"):
            try:
                self._client.describe_execution(executionArn=self.named(name))
            except ClientError as error:
                if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                    return False
                raise
        return True

    def check_idle(self) -> None:
        """Raise an error if a run is active, because another one would do nothing.

        Raises
        ------
        ConcurrentUpdate
            If a run is active.
        Unavailable
            If Step Functions does not answer.
        """
        for execution in self._listed(statusFilter=RUNNING):
            started = execution["startDate"].astimezone(dt.UTC)
            raise ConcurrentUpdate(
                f"run {execution['name']} goes on since {started:%Y-%m-%d %H:%M:%S} UTC, and one run goes at a time: "
                "another one would do nothing"
            )

    def latest(self, *, most: int, goes_on: Callable[[], bool] = lambda: True) -> tuple[Run, ...]:
        """Return the latest runs, the last first.

        Parameters
        ----------
        goes_on
            Called before each history is read, those of running ones first. Once it returns false, the other runs lack
            the details from their histories.

        Raises
        ------
        Unavailable
            If Step Functions does not answer.
        """
        listed = self._listed()[:most]
        found: dict[str, Run] = {}
        for execution in sorted(listed, key=lambda each: each["status"] != RUNNING):
            arn = execution["executionArn"]
            known = self._ended.get(arn)
            found[arn] = known or (self._read(arn) if goes_on() else _bare(execution))
        self._ended = {arn: run for arn, run in found.items() if arn in self._ended}
        self._histories = {arn: history for arn, history in self._histories.items() if arn in found}
        return tuple(found[execution["executionArn"]] for execution in listed)

    def _listed(self, **filters: str) -> list[Mapping[str, Any]]:
        with asking(f"state machine {self._arn}"):
            answer = self._client.list_executions(stateMachineArn=self._arn, maxResults=_LISTED, **filters)
        # Step Functions lists the latest first; the embedded cloud does not.
        return sorted(answer["executions"], key=lambda execution: execution["startDate"], reverse=True)

    def _read(self, arn: str) -> Run:
        history = self._histories.setdefault(arn, History(self._client, arn, page=_PAGE))
        with asking(f"state machine {self._arn}"):
            execution = self._client.describe_execution(executionArn=arn)
            history.fetch()
        run = run_of(execution, history.events)
        if run.status != RUNNING:
            self._ended[arn] = run
            del self._histories[arn]
        return run


def run_of(execution: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Run:
    """Return the state of an execution.

    Parameters
    ----------
    execution
        Its description.
    events
        Its history.
    """
    said = training_history.said(events)
    start, registration, canary = (said.get(key) or {} for key in ("start", "registration", "canary"))
    busy, tries = start.get("first") == BUSY, start.get("first") == "canary"
    given, bare = training_history.document(execution.get("input")), _bare(execution)
    failed = bare.status not in (RUNNING, SUCCEEDED)
    return dataclasses.replace(
        bare,
        run_id=None if busy else start.get("run_id"),
        version=registration.get("version") or (start.get("version") if tries else None),
        decision=BUSY if busy else canary.get("state") or registration.get("verdict"),
        reason=training_history.cause(execution, events) if failed else start.get("reason") if busy else None,
        asked=start.get("reason") or given.get("reason") or given.get("trigger"),
        visits=tuple(_visits(events, ended=bare.ended)),
    )


def _bare(execution: Mapping[str, Any]) -> Run:
    ended = execution.get("stopDate")
    return Run(
        name=execution["executionArn"].rpartition(":")[2],
        status=execution["status"],
        started=execution["startDate"].astimezone(dt.UTC),
        ended=ended.astimezone(dt.UTC) if ended and execution["status"] != RUNNING else None,
    )


def _visits(events: Iterable[Mapping[str, Any]], *, ended: dt.datetime | None) -> Iterable[Visit]:
    visits: dict[str, Visit] = {}
    for event in events:
        at = event["timestamp"].astimezone(dt.UTC)
        if (entered := training_history.entered(event)) is not None:
            first = visits[entered].entered if entered in visits else at
            visits[entered] = Visit(entered, first, None)
        elif (left := training_history.handed_on(event)) is not None and left[0] in visits:
            visits[left[0]] = dataclasses.replace(visits[left[0]], left=at)
    # The state in which a run was stopped has no event of its own for its end.
    return (visit if visit.left else dataclasses.replace(visit, left=ended) for visit in visits.values())
