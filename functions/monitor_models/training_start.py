"""Trainings that a look starts: when, how each is started once, and its result."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.training.drift import DAY_MS
from alsolike.training.executions import execution_arn
from alsolike.training.monitoring import DriftThresholds, Figure, Start, StartedTraining, Trigger
from functions.monitor_models.state import State

DRIFT_PAUSE_MS = 7 * DAY_MS
"""Pause of starts for drift after a start, while the champion stays the same, or the figure above the threshold."""

DATA_PAUSE_MS = DAY_MS
"""Pause of starts for new data after a start, while the champion stays the same."""


def due(
    state: State,
    drifted: Sequence[Figure],
    *,
    champion: str,
    new_interactions: int | None,
    rules: DriftThresholds,
    now_ms: int,
) -> Start | None:
    """Return the training to start; None if none is due.

    Its name derives from its cause, so that a repeated look names the same execution.

    Parameters
    ----------
    drifted
        Figures that have exceeded the threshold for the configured time.
    """
    if state.pending is not None:  # it is active, and another run would not get the lock
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
        said = ", ".join(f"{figure.name} {figure.value:.3f} above {figure.threshold:.3f}" for figure in starting)
        hours = (now_ms - (first.above_since_ms or now_ms)) / 3_600_000
        return Start(
            Trigger.DRIFT,
            _name(Trigger.DRIFT, champion, first.name, first.above_since_ms, *before),
            f"{said}, for {hours:.0f} h",
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


def start(client: Any, state_machine_arn: str, due: Start) -> bool:
    """Start the workflow; return false if an earlier call has started it."""
    document = {"trigger": due.trigger, "reason": due.reason}
    try:
        with translate_aws_errors(f"state machine {state_machine_arn}"):
            client.start_execution(
                stateMachineArn=state_machine_arn, name=due.name, input=orjson.dumps(document).decode()
            )
    except Unavailable as error:
        if error.code == "ExecutionAlreadyExists":
            return False
        raise
    return True


def _name(trigger: Trigger, *what: object) -> str:
    return f"{trigger}-{hashlib.blake2b(orjson.dumps(what), digest_size=8).hexdigest()}"


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
