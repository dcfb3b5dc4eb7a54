"""Trainings that monitoring starts: their conditions, the idempotent start, and the recorded result."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import StepFunctionsClient
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.training.executions import execution_arn
from alsolike.training.monitoring import DriftThresholds, Figure, Start, StartedTraining, Trigger
from functions.monitor_models.monitoring_state import State

DRIFT_PAUSE_MS = 7 * DAY_MS
"""Minimum pause in milliseconds between the last start and a start for drift. Under a new champion, the pause applies
only to metrics that caused the last start and have not fallen below their threshold since.
"""

DATA_PAUSE_MS = DAY_MS
"""Minimum pause in milliseconds between the last start and a start for new data, unless the champion changes."""


def due(
    state: State,
    drifted: Sequence[Figure],
    *,
    champion: str,
    new_interactions: int | None,
    rules: DriftThresholds,
    now_ms: int,
) -> Start | None:
    """Return the training to start, or None if none is due.

    The execution name is derived from the cause, so that a repeated run starts the same execution.
    """
    if state.pending is not None:  # The last start has no result yet.
        return None
    last = state.last_start
    since_ms = now_ms - last.started_ms if last else None

    def may(figure: Figure) -> bool:
        if last is None or since_ms is None or since_ms >= DRIFT_PAUSE_MS:
            return True
        return last.champion != champion and figure.name not in state.unsettled

    starting = [figure for figure in drifted if may(figure)] if rules.retrains else []
    before = (last.started_ms if last else 0, state.attempts)
    if starting:
        first = starting[0]
        causes = ", ".join(f"{figure.name} {figure.value:.3f} above {figure.threshold:.3f}" for figure in starting)
        hours = (now_ms - (first.above_since_ms or now_ms)) / 3_600_000
        return Start(
            Trigger.DRIFT,
            _name(Trigger.DRIFT, champion, first.name, first.above_since_ms, *before),
            f"{causes}, for {hours:.0f} h",
            champion,
            now_ms,
            tuple(figure.name for figure in starting),
        )
    paused = since_ms is not None and last is not None and last.champion == champion and since_ms < DATA_PAUSE_MS
    if rules.new_interactions and (new_interactions or 0) >= rules.new_interactions and not paused:
        return Start(
            Trigger.NEW_DATA,
            _name(Trigger.NEW_DATA, champion, *before),
            f"{new_interactions:,} interactions are new, {rules.new_interactions:,} start a training",
            champion,
            now_ms,
        )
    return None


def start(client: StepFunctionsClient, state_machine_arn: str, due: Start) -> None:
    """Start the workflow, unless an earlier call has started it."""
    document = {"trigger": due.trigger, "reason": due.reason}
    try:
        with translate_aws_errors(f"state machine {state_machine_arn}"):
            client.start_execution(
                stateMachineArn=state_machine_arn, name=due.name, input=orjson.dumps(document).decode()
            )
    except Unavailable as error:
        if error.code != "ExecutionAlreadyExists":
            raise


def _name(trigger: Trigger, *parts: object) -> str:
    return f"{trigger}-{hashlib.blake2b(orjson.dumps(parts), digest_size=8).hexdigest()}"


TURN = "First"
"""State of the workflow after the step that acquires the training lock."""

_EARLIEST = 100
"""Number of history events to read, from the start of a run. These events include the state `TURN`: five failed
attempts before this state create about 30 events."""


def outcome_of(client: StepFunctionsClient, state_machine_arn: str, start: Start) -> StartedTraining:
    """Return the state or result of a started training.

    A run that failed before `TURN` trained nothing. Its result is `NOT_BEGUN`, so that monitoring starts the training
    again.
    """
    arn = execution_arn(state_machine_arn, start.name)
    try:
        with translate_aws_errors(f"execution {arn}"):
            execution = client.describe_execution(executionArn=arn)
            status = execution["status"]
            if status in ("RUNNING", "PENDING_REDRIVE"):
                return StartedTraining.GOING
            if status == "SUCCEEDED":
                return _from_output(arn, execution.get("output"))
            if status == "ABORTED":
                return StartedTraining.STOPPED
            events = client.get_execution_history(executionArn=arn, maxResults=_EARLIEST)["events"]
    except Unavailable as error:
        if error.code == "ExecutionDoesNotExist":  # Replacing a state machine deletes its executions.
            return StartedTraining.STOPPED
        raise
    had_turn = any(event.get("stateEnteredEventDetails", {}).get("name") == TURN for event in events)
    return StartedTraining.FAILED if had_turn else StartedTraining.NOT_BEGUN


def _from_output(arn: str, output: str | None) -> StartedTraining:
    try:
        causes = orjson.loads(output or "")
        if causes["start"]["first"] == "busy":
            return StartedTraining.BUSY
        return StartedTraining(causes["canary"]["state"] if "canary" in causes else causes["registration"]["verdict"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"execution {arn} ended with an output without a known outcome: {output}") from error
