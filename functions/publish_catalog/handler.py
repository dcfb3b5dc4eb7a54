"""Handler of a batch of a table's stream, or of a notification of a new configuration or champion."""

from __future__ import annotations

import functools
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alsolike.catalogue.changes import Change
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.aws import client
from alsolike.runtime.errors import InvalidBundle, InvalidSnapshot, Unavailable
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from functions.publish_catalog.cold_publisher import ChampionContents, ColdPublisher
from functions.publish_catalog.service import publish, read_batch, write_log
from functions.publish_catalog.settings import Settings


@functools.cache
def _sources() -> tuple[Settings, ConfigurationReader, TombstoneReader, SnapshotPublisher, ColdPublisher]:
    settings = from_environment(Settings, os.environ)
    s3, bucket, scratch = client("s3"), settings.artefact_bucket, Path(tempfile.gettempdir())
    store = SnapshotStore(s3, bucket, scratch / "catalog")
    contents = ChampionContents(s3, bucket, scratch / "champion")
    configurations = ConfigurationReader(s3, bucket, polling=Polling(settings.configuration_check_s), own_names=True)
    tombstones = TombstoneReader(
        s3,
        bucket,
        lambda: pseudonyms_of(client("secretsmanager"), settings.secret_arn),
        polling=Polling(settings.tombstone_check_s),
    )
    return settings, configurations, tombstones, SnapshotPublisher(store), ColdPublisher(store, contents)


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> None:
    """Publish a batch of changes. Without a batch, publish the configured columns and the cold items of the champion.

    After an error, Lambda retries.
    """
    settings, configurations, tombstones, publisher, cold_publisher = _sources()
    now_ms = time.time_ns() // 1_000_000
    batch = read_batch(event)
    if batch is not None:
        erased = functools.partial(tombstones.erased, now_ms=now_ms)
        logged = write_log(batch, client=client("s3"), bucket=settings.lake_bucket, erased=erased)
        count(Metric.CHANGES_LOGGED, logged)
        count(Metric.RECORDS_UNREADABLE, batch.unreadable)
    configuration = (configurations.refresh if batch is None else configurations.current)(now_ms=now_ms)
    done = publish(batch, publisher=publisher, configuration=configuration, now_ms=now_ms)
    if done is not None:
        count(Metric.ITEMS_PUBLISHED, done.changes)
        count(Metric.SNAPSHOT_ROWS_MERGED, done.merged_rows)
        count(Metric.SNAPSHOT_MERGES_FAILED, int(done.unmerged is not None))
        if done.unmerged:
            logger.error("catalogue snapshot cannot be merged", reason=done.unmerged)
        too_large = done.size_bytes > settings.max_snapshot_mb * 1_000_000
        count(Metric.SNAPSHOTS_TOO_LARGE, int(too_large))
        if too_large:
            logger.error("catalogue snapshot is larger than readers accept", size_bytes=done.size_bytes)
        _publish_cold(batch.changes if batch else (), publisher=cold_publisher, now_ms=now_ms)
        if batch is None and done.unmerged:  # Without a retry, the columns would wait for the next change of an item.
            raise Unavailable(done.unmerged)


def _publish_cold(changes: Sequence[Change], *, publisher: ColdPublisher, now_ms: int) -> None:
    """Publish cold items after the changes. Unreadable data is logged, because a retry could not read it either."""
    try:
        done = publisher.publish(changes, now_ms=now_ms)
    except (InvalidBundle, InvalidSnapshot) as error:
        count(Metric.COLD_ITEMS_FAILED)
        logger.error("cold items cannot be published", reason=str(error))
        return
    if done is not None:
        count(Metric.COLD_ITEMS_COMPARED, done.compared)
        count(Metric.COLD_ITEMS_LEFT_OUT, done.left_out)
