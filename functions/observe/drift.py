"""Latest drift report with the last days of each drift metric."""

from __future__ import annotations

from typing import Any

from alsolike.api.documents import fields_of
from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import S3Object
from alsolike.training.monitoring import DriftReport, Figure
from functions.observe.metric_reader import MetricReader, Statistic, Values

HISTORY_DAYS = 14
_HOUR_MS = 3_600_000


def drift(client: S3Client, bucket: str, reader: MetricReader, *, now_ms: int) -> dict[str, Any]:
    report = latest_report(client, bucket)
    if report is None:
        return {"looked": None}
    histories = reader.read(
        {
            figure.name: [
                Statistic(
                    None,
                    "DriftPsi",
                    "Average",
                    (("figure", figure.name), ("service", "monitor_models")),
                )
            ]
            for figure in report.figures
        },
        from_ms=(now_ms - HISTORY_DAYS * 24 * _HOUR_MS) // _HOUR_MS * _HOUR_MS,
        until_ms=now_ms,
        period_s=_HOUR_MS // 1000,
    )
    return {
        "looked": {
            **fields_of(
                report, "looked_ms", "champion", "interactions", "users", "unknown_item_share", "unknown_user_share"
            ),
            "championAgeHours": report.champion_age_h,
            "lakeSilentHours": report.lake_silent_h,
            "hours": report.rules.hours,
            "figures": [_figure(figure, histories[figure.name]) for figure in report.figures],
            "checks": [fields_of(check, "name", "share", "bound", "rows", "failed") for check in report.checks],
        }
    }


def latest_report(client: S3Client, bucket: str) -> DriftReport | None:
    stored = S3Object(client, bucket, MONITORING_LATEST_KEY)
    content = stored.read()
    try:
        return DriftReport.from_json(content.body) if content else None
    except InvalidInput as error:
        raise Unavailable(f"{stored.uri}: {error}") from error


def _figure(figure: Figure, history: Values) -> dict[str, Any]:
    return {
        **fields_of(figure, "name", "value", "by_chance", "threshold", "reason", "above_since_ms"),
        "history": [[time, value] for time, value in sorted(history.items())],
    }
