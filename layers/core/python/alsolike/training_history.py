"""An execution's history in Step Functions: entered states, their outputs, and the cause of a failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson


class History:
    """The events of an execution, fetched incrementally.

    Parameters
    ----------
    client
        A low-level Step Functions client.
    page
        Maximum number of events per call: few to wait for new ones, many to read all.
    """

    def __init__(self, client: Any, execution_arn: str, *, page: int = 100) -> None:
        self._client = client
        self._arn = execution_arn
        self._page = page
        self.events: list[dict[str, Any]] = []

    def fetch(self) -> list[dict[str, Any]]:
        """Return the events since the last time, in order."""
        known = int(self.events[-1]["id"]) if self.events else 0
        pages = self._client.get_paginator("get_execution_history").paginate(
            executionArn=self._arn, reverseOrder=True, PaginationConfig={"PageSize": self._page}
        )
        found: list[dict[str, Any]] = []
        for page in pages:  # the latest first, so that known events are not fetched again
            found += page["events"]
            if any(int(event["id"]) <= known for event in page["events"]):
                break
        new = sorted((event for event in found if int(event["id"]) > known), key=lambda event: int(event["id"]))
        self.events += new
        return new


def entered(event: Mapping[str, Any]) -> str | None:
    """Return the state that the event entered, if it did."""
    name = event.get("stateEnteredEventDetails", {}).get("name")
    return str(name) if name else None


def handed_on(event: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the exited state and the run's state after it, if the event has them."""
    details = event.get("stateExitedEventDetails")
    return (details["name"], document(details.get("output"))) if details else None


def training_job(event: Mapping[str, Any]) -> str | None:
    """Return the name of the training job that a task starts, if the event has it."""
    details = event.get("taskScheduledEventDetails", {})
    name = (
        document(details.get("parameters")).get("TrainingJobName")
        if details.get("resourceType") == "sagemaker"
        else None
    )
    return str(name) if name else None


def said(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the outputs of the states so far; the output of an ended run is its last."""
    added: dict[str, Any] = {}
    for event in events:
        if found := handed_on(event):
            added |= found[1]
    return added


def cause(execution: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str:
    """Return error and cause as one line: those of the step that failed last, which the workflow may have caught."""
    failure: Mapping[str, Any] = execution
    for event in events:
        for name, details in event.items():
            if name.endswith("FailedEventDetails") and name != "executionFailedEventDetails":
                failure = details
    noted = said(events).get("failure") or {}  # the workflow's own word on which step it was
    return sentence({**failure, **noted})


def sentence(failure: Mapping[str, Any]) -> str:
    """Return a failed step as one line: its state, the error, and the message inside a service's cause."""
    error, why = failure.get("error") or "no error named", failure.get("cause") or "no cause named"
    inside = document(why)
    text = next((inside[key] for key in ("FailureReason", "errorMessage") if inside.get(key)), why)
    state = f"{failure['state']}: " if failure.get("state") else ""
    after = f" (after {sentence(failure['after'])})" if failure.get("after") else ""
    return f"{state}{error}: {text}{after}"


def document(text: Any) -> dict[str, Any]:
    """Return a JSON object, or an empty one if there is none."""
    try:
        found = orjson.loads(text or "{}")
    except (orjson.JSONDecodeError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
