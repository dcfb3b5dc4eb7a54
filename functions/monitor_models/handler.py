"""Handler of scheduled monitoring."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented, logger, report
from alsolike.runtime.settings import from_environment
from alsolike.training.monitoring import DriftReport
from functions.monitor_models.service import MonitoringStores, look
from functions.monitor_models.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    settings = from_environment(Settings, os.environ)
    now_ms = time.time_ns() // 1_000_000
    champion = Registry(client("s3"), settings.artefact_bucket).champion()
    count(Metric.CHAMPION_FORCED, int(champion is not None and champion.is_forced))
    with tempfile.TemporaryDirectory(prefix="monitoring-") as name:
        stores = MonitoringStores(
            s3=client("s3"),
            states=client("stepfunctions"),
            lake_bucket=settings.lake_bucket,
            artefact_bucket=settings.artefact_bucket,
            profiles=ProfileStore(client("dynamodb"), settings.profiles_table),
            state_machine_arn=settings.state_machine_arn,
            directory=Path(name),
        )
        configuration = ConfigurationReader(client("s3"), settings.artefact_bucket).current(now_ms=now_ms)
        report = look(stores, configuration=configuration, rules=settings.rules, now_ms=now_ms)
    _send_metrics(report)
    document: dict[str, Any] = orjson.loads(report.to_json())
    logger.info("drift checked", champion=report.champion, started=document["started"], figures=document["figures"])
    return document


def _send_metrics(drift: DriftReport) -> None:
    """Send the metrics of a report: alarm metrics on every run, other metrics once per day (1/24 of the cost)."""
    values: dict[Metric, float | None] = {
        Metric.CHAMPION_AGE_HOURS: drift.champion_age_h,
        Metric.LAKE_SILENT_HOURS: drift.lake_silent_h,
        Metric.FIGURES_DRIFTED: len(drift.drifted),
        Metric.CHECKS_FAILED: sum(check.failed for check in drift.checks),
    }
    if drift.first_of_day:
        values[Metric.UNKNOWN_ITEM_SHARE] = drift.unknown_item_share
        values[Metric.UNKNOWN_USER_SHARE] = drift.unknown_user_share
        for figure in drift.figures:
            if figure.value is not None:
                report({Metric.DRIFT_PSI: figure.value}, figure=figure.name)
    report({name: value for name, value in values.items() if value is not None})
    if drift.started is not None:
        count(Metric.TRAININGS_STARTED)
