"""A Kinesis batch into the lake."""

from __future__ import annotations

import functools
import os
from typing import Any

from alsolike.aws import client
from alsolike.observability import Metric, count, logger, metrics
from alsolike.settings import from_environment
from alsolike.stream import stream_records
from functions.archive_events.service import archive
from functions.archive_events.settings import Settings


@functools.cache
def _settings() -> Settings:
    return from_environment(Settings, os.environ)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Archive the batch whole, or fail and get it again."""
    outcome = archive(stream_records(event), client=client("s3"), bucket=_settings().lake_bucket)
    count(Metric.INTERACTIONS_ARCHIVED, outcome.archived)
    count(Metric.RECORDS_QUARANTINED, len(outcome.reasons))
    if outcome.reasons:
        logger.warning("records quarantined", records=len(outcome.reasons))
    return {"batchItemFailures": []}
