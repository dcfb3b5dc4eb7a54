"""Handler of the recommendation log's subscription."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.profiles.impressions import ImpressionStore
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from functions.archive_served.service import archive, read_delivery
from functions.archive_served.settings import Settings


@functools.cache
def _sources() -> tuple[Settings, TombstoneReader, ConfigurationReader, ImpressionStore]:
    settings = from_environment(Settings, os.environ)
    s3, bucket = client("s3"), settings.artefact_bucket
    return (
        settings,
        TombstoneReader(s3, bucket, _no_hashes, polling=Polling(settings.tombstone_check_s)),
        ConfigurationReader(s3, bucket, polling=Polling(settings.configuration_check_s)),
        ImpressionStore(client("dynamodb"), settings.profiles_table),
    )


def _no_hashes() -> Pseudonyms:
    raise AssertionError("the log already contains hashes of users")


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> None:
    """Archive the lines. If this fails, Lambda retries the call."""
    settings, tombstones, configurations, impressions = _sources()
    now_ms = time.time_ns() // 1_000_000
    delivery = read_delivery(event["awslogs"]["data"])
    fatigue = configurations.current(now_ms=now_ms).fatigue
    outcome = archive(
        delivery,
        client=client("s3"),
        bucket=settings.lake_bucket,
        erased=tombstones.current(now_ms=now_ms),
        store_impressions=None if fatigue is None else functools.partial(impressions.add, fatigue=fatigue),
    )
    count(Metric.SERVED_ARCHIVED, outcome.archived)
    count(Metric.RECORDS_QUARANTINED, outcome.quarantined)
    if outcome.erased:
        count(Metric.ROWS_OF_ERASED_USERS, outcome.erased)
    if outcome.quarantined:
        logger.warning("lines quarantined", lines=outcome.quarantined)
