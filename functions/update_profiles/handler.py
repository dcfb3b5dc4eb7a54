"""Handler that adds the events of a Kinesis batch to live profiles."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.events.stream import stream_records
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.profiles.store import ProfileStore
from alsolike.runtime.aws import client
from alsolike.runtime.observability import MAX_LOGGED_IDS, Metric, count, instrumented, logger
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from functions.update_profiles.service import update_profiles
from functions.update_profiles.settings import Settings

REMEMBERED_BYTES = 16 << 20
"""Memory in bytes to cache links of joined sessions, so that later batches do not read them again."""


@functools.cache
def _sources() -> tuple[ProfileStore, ConfigurationReader, TombstoneReader]:
    settings = from_environment(Settings, os.environ)
    s3, bucket = client("s3"), settings.artefact_bucket
    dynamodb = client("dynamodb", checks_calls=False)
    store = ProfileStore(dynamodb, settings.profiles_table, remember_bytes=REMEMBERED_BYTES)
    tombstones = TombstoneReader(
        s3,
        bucket,
        lambda: pseudonyms_of(client("secretsmanager"), settings.secret_arn),
        polling=Polling(settings.tombstone_check_s),
    )
    return store, ConfigurationReader(s3, bucket, polling=Polling(settings.configuration_check_s)), tombstones


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Update the batch's profiles. Return the first record that Lambda must retry, if any."""
    store, configurations, tombstones = _sources()
    now_ms = time.time_ns() // 1_000_000
    outcome = update_profiles(
        stream_records(event),
        store=store,
        configurations=configurations,
        now_ms=now_ms,
        erased=functools.partial(tombstones.erased, now_ms=now_ms),
        erasure_of=tombstones.erasure_of,
    )
    count(Metric.PROFILES_UPDATED, outcome.profiles)
    count(Metric.INTERACTIONS_APPLIED, outcome.interactions)
    count(Metric.RECORDS_UNREADABLE, outcome.unreadable)
    if outcome.erased:
        count(Metric.EVENTS_OF_ERASED_USERS, outcome.erased)
    if outcome.failed_sequence is None:
        return {"batchItemFailures": []}
    logger.error(
        "profiles not updated",
        first_sequence=outcome.failed_sequence,
        failures=outcome.failures[:3],
        correlation_ids=outcome.correlation_ids[:MAX_LOGGED_IDS],
    )
    return {"batchItemFailures": [{"itemIdentifier": outcome.failed_sequence}]}
