"""Handler of scheduled attribution, and of forecasts that operators and canaries start."""

from __future__ import annotations

import dataclasses
import functools
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.experiments.forecasts import Forecasts
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.runtime.aws import client
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.observability import count, instrumented, logger, report
from alsolike.runtime.settings import from_environment
from alsolike.snapshot.reader import SnapshotReader
from functions.attribute_outcomes.attribution_rules import AttributionRules, first_whole_day, window_cut_days
from functions.attribute_outcomes.day_results import Results
from functions.attribute_outcomes.forecasts import run_forecast
from functions.attribute_outcomes.holdout_report import update_increments
from functions.attribute_outcomes.service import Attribution
from functions.attribute_outcomes.settings import Settings
from operations.forecast.inputs import ForecastInputs

LAST_DAY_MS = 300_000
"""Minimum remaining time to start another day or the report of the holdout, in milliseconds."""

INVOCATION_TIMEOUT_S = 25
"""Timeout in seconds of a call in which `recommend` ranks for several logged requests."""

RATES = {
    "click_through": Metric.CLICK_THROUGH,
    "conversion": Metric.CONVERSION,
    "revenue_per_thousand": Metric.REVENUE_PER_THOUSAND,
    "coverage": Metric.COVERAGE,
    "novelty": Metric.NOVELTY,
    "new_item_share": Metric.NEW_ITEM_SHARE,
    "degraded_share": Metric.DEGRADED_SHARE,
}


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Compute outdated days, and update the report of the holdout, until the call's time ends.

    An event with the field `forecast` requests a forecast instead; see `alsolike.experiments.forecasts`.
    """
    settings, s3 = from_environment(Settings, os.environ), client("s3")
    now_ms = time.time_ns() // 1_000_000
    if (request := event.get("forecast")) is not None:
        inputs = functools.partial(_forecast_inputs, settings, s3, now_ms=now_ms)
        return run_forecast(request, Forecasts(s3, settings.lake_bucket), inputs=inputs, now_ms=now_ms)

    def has_time() -> bool:
        remaining_ms: int = context.get_remaining_time_in_millis()
        return remaining_ms > LAST_DAY_MS

    pseudonyms = pseudonyms_of(client("secretsmanager"), settings.secret_arn)
    live = ConfigurationReader(s3, settings.artefact_bucket).current(now_ms=now_ms)
    limits = live.limits
    with tempfile.TemporaryDirectory(prefix="attribution-") as name:
        directory = Path(name)
        catalogue = SnapshotReader(s3, settings.artefact_bucket, directory / "catalogue").current(now_ms=now_ms)
        rules = AttributionRules(window_days=settings.window_days, clock_skew_ms=limits.clock_skew_s * 1000)
        outcome = Attribution(
            client=s3,
            bucket=settings.lake_bucket,
            catalogue=catalogue,
            rules=rules,
            shopper=pseudonyms.shopper,
            report=_report,
            has_time=has_time,
            directory=directory,
            now_ms=now_ms,
            first_day=first_whole_day(now_ms, served_days=settings.served_days, retention_days=limits.retention_days),
            cut_days=window_cut_days(limits.retention_days, rules),
        ).run()
    count(Metric.DAYS_ATTRIBUTED, outcome.days)
    if has_time():
        update_increments(
            s3, settings.lake_bucket, live.experiments.values(), shopper=pseudonyms.shopper, now_ms=now_ms
        )
    logger.info("outcomes attributed", **dataclasses.asdict(outcome))
    outcome.raise_failures()
    return dataclasses.asdict(outcome)


def _forecast_inputs(settings: Settings, s3: S3Client, *, now_ms: int) -> ForecastInputs:
    parameter = settings.recommend_function_parameter
    with translate_aws_errors(f"SSM parameter {parameter}"):
        recommend_function: str = client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    with tempfile.TemporaryDirectory(prefix="forecast-") as name:  # The memory map keeps the deleted file readable.
        catalogue = SnapshotReader(s3, settings.artefact_bucket, Path(name)).current(now_ms=now_ms)
    return ForecastInputs(
        s3=s3,
        lambda_=client("lambda", read_timeout_s=INVOCATION_TIMEOUT_S, attempts=1),
        lake_bucket=settings.lake_bucket,
        recommend_function=recommend_function,
        configuration=ConfigurationReader(s3, settings.artefact_bucket).current(now_ms=now_ms),
        catalogue=catalogue,
        hashes=pseudonyms_of(client("secretsmanager"), settings.secret_arn),
        has_hashed_ids=settings.pseudonymise_ids == 1,
    )


def _report(day: Results) -> None:
    """Send a day's metrics. CloudWatch bills a series per hour, so this costs 1/24 of a continuous series."""
    for row in day.engagement:
        rates = {RATES[name]: value for name, value in row.rates().items() if value is not None}
        report(rates, dimension=row.dimension, name=row.name)
    for reason, events in day.rejected.items():
        report({Metric.EVENTS_NOT_ATTRIBUTED: events}, reason=reason)
