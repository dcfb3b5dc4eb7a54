"""Reports of drift: what monitoring found last, or finds now."""

from __future__ import annotations

from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.runtime.s3 import S3Object
from alsolike.training.monitoring import DriftReport
from operations import progress
from operations.client.deployment import Deployment
from operations.client.functions import invoke


def latest(where: Deployment) -> DriftReport | None:
    """Return what the last look found; None before the first.

    Raises
    ------
    InvalidInput
        If it is unreadable.
    """
    stored = S3Object(where.client("s3"), where.names.artefact_bucket, MONITORING_LATEST_KEY).read()
    return DriftReport.from_json(stored.body) if stored else None


def look(where: Deployment) -> DriftReport:
    """Compare now, and return the report.

    Raises
    ------
    Unavailable
        If the function fails or Lambda does not answer.
    """
    with progress.step("look") as step:
        report = DriftReport.from_json(
            invoke(where, where.names.monitor_models_function, {}, failure="monitoring failed")
        )
        step.note(f"{report.interactions:,} interactions")
    return report
