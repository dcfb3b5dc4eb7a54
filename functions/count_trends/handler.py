"""Handler of stream batches for trend counters."""

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
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from alsolike.trends.store import TrendsStore
from functions.count_trends.service import Counters, count_trends
from functions.count_trends.settings import Settings


@functools.cache
def _sources() -> tuple[Counters, ConfigurationReader, TombstoneReader]:
    settings = from_environment(Settings, os.environ)
    s3, bucket = client("s3"), settings.artefact_bucket
    tombstones = TombstoneReader(
        s3,
        bucket,
        lambda: pseudonyms_of(client("secretsmanager"), settings.secret_arn),
        polling=Polling(settings.tombstone_check_s),
    )
    configurations = ConfigurationReader(s3, bucket, polling=Polling(settings.configuration_check_s))
    return Counters(TrendsStore(s3, bucket)), configurations, tombstones


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process the batch atomically. If it fails, Lambda retries the whole batch."""
    counters, configurations, tombstones = _sources()
    now_ms = time.time_ns() // 1_000_000
    records = stream_records(event)
    try:
        outcome = count_trends(
            records,
            counters=counters,
            configurations=configurations,
            now_ms=now_ms,
            erased=functools.partial(tombstones.erased, now_ms=now_ms),
        )
    except (ConcurrentUpdate, Unavailable) as error:
        # Lambda retries from the first record. After a raised error, it would repeatedly halve the batch, down to
        # single records.
        logger.error("trends not counted", reason=str(error), records=len(records))
        return {"batchItemFailures": [{"itemIdentifier": records[0].sequence}]}
    count(Metric.TRENDS_COUNTED, outcome.counted)
    count(Metric.TRENDS_REPEATED, outcome.repeated)
    count(Metric.RECORDS_UNREADABLE, outcome.unreadable)
    if outcome.erased:
        count(Metric.EVENTS_OF_ERASED_USERS, outcome.erased)
    return {"batchItemFailures": []}
