"""Drift reports: the latest stored report, or a new one."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.runtime.s3 import S3Object
from alsolike.training.monitoring import DriftReport, Figure
from operations import progress, times
from operations.client.deployment import Deployment
from operations.client.functions import invoke
from operations.progress import counted

_AGAIN = "the next monitoring run starts it again for the same reason"
# Sentences by the values of `alsolike.training.monitoring.StartedTraining`.
BECAME = {
    "going": "it is running",
    "busy": f"it did nothing, because another run was in progress; {_AGAIN}",
    "not_begun": f"it failed before it acquired the training lock; {_AGAIN}",
    "promoted": "its model became champion",
    "waiting": "its model waits for evidence, or for `alsolike models promote`",
    "rejected": "the gate rejected its model",
    "rolled_back": "its canary was rolled back",
    "failed": "it failed; `alsolike status` prints the reason",
    "stopped": "it was stopped",
}


def latest(deployment: Deployment) -> DriftReport | None:
    """Return the latest report, or None if monitoring has not run."""
    stored = S3Object(deployment.client("s3"), deployment.names.artefact_bucket, MONITORING_LATEST_KEY).read()
    return DriftReport.from_json(stored.body) if stored else None


def look(deployment: Deployment) -> DriftReport:
    """Run the monitoring function and return its report."""
    with progress.step("look") as step:
        report = DriftReport.from_json(
            invoke(deployment, deployment.names.monitor_models_function, {}, failure="monitoring failed")
        )
        step.note(f"{report.interactions:,} interactions")
    return report


def title(report: DriftReport) -> str:
    days = f"{times.text(report.window_from_ms, 'minutes')} to {times.text(report.looked_ms, 'minutes')}"
    sample = "" if report.sampled == 1 else f", one of {report.sampled} users"
    counts = f"{counted(report.interactions, 'interaction')} of {counted(report.users, 'user')}"
    return f"{days}: {counts}{sample}"


def sentences(report: DriftReport) -> Iterator[str]:
    if report.champion is None or report.champion_age_h is None:
        yield "there is no champion yet"
    else:
        yield f"champion {report.champion}: its last event was {_hours(report.champion_age_h)} ago"
    if report.lake_silent_h is None:
        yield "the lake has no events of these days"
    else:
        yield f"the lake's last event was {_hours(report.lake_silent_h)} ago"
    if report.unknown_item_share is not None:
        yield f"{report.unknown_item_share:.2%} of interactions are with items that the champion does not contain"
    if report.unknown_user_share is not None:
        yield f"{report.unknown_user_share:.2%} of users have no interaction before the champion's last event"
    yield from _starts(report)


def _starts(report: DriftReport) -> Iterator[str]:
    rules = report.rules
    effect = "starts a training" if rules.retrains else "sends a notification and starts no training"
    yield f"a figure above its threshold for {rules.hours} h {effect}"
    if rules.new_interactions is None:
        yield "new data start no training: retrain_interactions is not set"
    elif report.new_interactions is not None:
        yield (f"{report.new_interactions:,} new interactions; a training starts at {rules.new_interactions:,}")
    if report.last_start is not None:
        at = times.text(report.last_start.started_ms, "minutes")
        now = "this look" if report.started else "monitoring"
        yield f"{now} started execution {report.last_start.name} at {at}: {report.last_start.reason}"
        if not report.started:
            yield BECAME[report.last_start.outcome]


def outcome(report: DriftReport, figure: Figure) -> str:
    held = report.held_h(figure)
    if held is None:
        return ""
    last = report.last_start
    if last is not None and last.outcome.counts and figure.name in last.figures:
        return "started a training"
    left = report.rules.hours - held
    if left > 0:
        return f"drift in {left:.0f} h" + (", starts a training" if report.rules.retrains else "")
    return "drift"


def _hours(hours: float) -> str:
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
