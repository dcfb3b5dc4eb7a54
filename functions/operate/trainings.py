"""Routes that list and start training runs."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from alsolike.api.operate_requests import START, TRAININGS_QUERY
from alsolike.declarations.shared_defaults import DEFAULT_LISTED_TRAININGS
from alsolike.declarations.storage import TRAINING_LOG_GROUP
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import LogsClient
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from alsolike.training.executions import execution_name
from alsolike.training.runs import RUNNING, SUCCEEDED, TrainingRun, TrainingRuns, Visit
from functions.operate.request import OperatorRequest

LEFT_MS = 15_000
"""Minimum remaining time in milliseconds to read further execution history."""


class Trainings:
    def __init__(self, runs: TrainingRuns, logs: LogsClient) -> None:
        self._runs, self._logs = runs, logs

    def list(self, request: OperatorRequest) -> dict[str, Any]:
        """Return the latest runs. Details of the history are omitted if the time is too short."""
        maximum = request.query(TRAININGS_QUERY).get("limit", DEFAULT_LISTED_TRAININGS)
        runs = self._runs.latest(maximum=maximum, goes_on=lambda: request.remaining_ms() > LEFT_MS)
        return {"runs": [_run(run, log=self._last_line(run)) for run in runs]}

    def start(self, request: OperatorRequest) -> dict[str, Any]:
        """Start a run, or return the run that was started with the same client token."""
        body = request.body(START)
        token = body.get("clientToken")
        name = f"by-hand-{hashlib.blake2b(token.encode(), digest_size=16).hexdigest()}" if token else None
        if name is not None and self._runs.exists(name):
            return {"id": name}
        try:
            self._runs.check_idle()
        except ConcurrentUpdate:
            if name is not None and self._runs.exists(name):  # A concurrent request started the run.
                return {"id": name}
            raise
        reason = request.signed(body.get("reason"))
        execution_arn = self._runs.start({"trigger": "by-hand", "reason": reason}, name=name)
        request.note("train", execution_arn=execution_arn)
        return {"id": execution_name(execution_arn)}

    def _last_line(self, run: TrainingRun) -> str | None:
        """Return the last line of a running job's log. None if no job runs, or it has no readable log."""
        if run.status != RUNNING or run.job is None:
            return None
        try:
            with translate_aws_errors(f"log group {TRAINING_LOG_GROUP}"):
                streams = self._logs.describe_log_streams(
                    logGroupName=TRAINING_LOG_GROUP, logStreamNamePrefix=f"{run.job}/"
                )["logStreams"]
                events = [
                    event
                    for stream in streams
                    for event in self._logs.get_log_events(
                        logGroupName=TRAINING_LOG_GROUP, logStreamName=stream["logStreamName"], limit=1
                    )["events"]
                ]
        # SageMaker creates the log group with the first job of an account. Without the log group, runs are listed
        # without log lines.
        except Unavailable:
            return None
        latest = max(events, key=lambda event: event["timestamp"], default=None)
        return str(latest["message"]).strip() if latest else None


def _run(run: TrainingRun, *, log: str | None) -> dict[str, Any]:
    succeeded = run.status == SUCCEEDED
    return {
        "id": run.name,
        "status": run.status,
        "outcome": run.decision.replace("_", " ") if succeeded and run.decision else None,
        "startedMs": _ms(run.started),
        "endedMs": _ms(run.ended) if run.ended else None,
        "reason": run.start_reason,
        "version": run.version,
        "cause": None if succeeded else run.reason,
        "log": log,
        "states": [_state(visit) for visit in run.visits],
    }


def _state(visit: Visit) -> dict[str, Any]:
    left_ms = _ms(visit.left) if visit.left else None
    return {"name": visit.name, "enteredMs": _ms(visit.entered), "leftMs": left_ms}


def _ms(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)
