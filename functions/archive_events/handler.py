from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.events.stream_records import stream_records
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.aws import client
from alsolike.runtime.observability import MAX_LOGGED_IDS, count, instrumented, logger
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from functions.archive_events.service import archive
from functions.archive_events.settings import Settings


@functools.cache
def _sources() -> tuple[Settings, ConfigurationReader, TombstoneReader]:
    settings = from_environment(Settings, os.environ)
    tombstones = TombstoneReader(
        client("s3"),
        settings.artefact_bucket,
        lambda: pseudonyms_of(client("secretsmanager"), settings.secret_arn),
        polling=Polling(settings.tombstone_check_s),
    )
    reader = ConfigurationReader(
        client("s3"), settings.artefact_bucket, polling=Polling(settings.configuration_check_s)
    )
    return settings, reader, tombstones


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Archive the batch. If this fails, Lambda retries the whole batch."""
    settings, configurations, tombstones = _sources()
    now_ms = time.time_ns() // 1_000_000
    outcome = archive(
        stream_records(event, with_region=True),
        client=client("s3"),
        bucket=settings.lake_bucket,
        configurations=configurations,
        now_ms=now_ms,
        erased=functools.partial(tombstones.erased, now_ms=now_ms),
    )
    count(Metric.INTERACTIONS_ARCHIVED, outcome.archived)
    count(Metric.RECORDS_QUARANTINED, len(outcome.reasons))
    if outcome.erased:
        count(Metric.EVENTS_OF_ERASED_USERS, outcome.erased)
    if outcome.reasons:
        logger.warning(
            "records quarantined",
            records=len(outcome.reasons),
            correlation_ids=outcome.correlation_ids[:MAX_LOGGED_IDS],
        )
    return {"batchItemFailures": []}
