"""Handler of the recommendation log's subscription."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.aws import client
from alsolike.runtime.observability import Metric, count, instrumented, logger
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from functions.archive_served.service import archive, read_delivery
from functions.archive_served.settings import Settings


@functools.cache
def _sources() -> tuple[Settings, TombstoneReader]:
    settings = from_environment(Settings, os.environ)
    tombstones = TombstoneReader(
        client("s3"), settings.artefact_bucket, _no_hashes, polling=Polling(settings.tombstone_check_s)
    )
    return settings, tombstones


def _no_hashes() -> Pseudonyms:
    raise AssertionError("the log already contains hashes of users")


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> None:
    """Archive the lines. If this fails, CloudWatch Logs delivers them again."""
    settings, tombstones = _sources()
    delivery = read_delivery(event["awslogs"]["data"])
    erased = tombstones.current(now_ms=time.time_ns() // 1_000_000)
    outcome = archive(delivery, client=client("s3"), bucket=settings.lake_bucket, erased=erased)
    count(Metric.SERVED_ARCHIVED, outcome.archived)
    count(Metric.RECORDS_QUARANTINED, outcome.quarantined)
    if outcome.erased:
        count(Metric.ROWS_OF_ERASED_USERS, outcome.erased)
    if outcome.quarantined:
        logger.warning("lines quarantined", lines=outcome.quarantined)
