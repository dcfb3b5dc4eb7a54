"""Handler that adds the events of a Kinesis batch to live profiles."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Callable
from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.events.stream_records import stream_records
from alsolike.privacy.pseudonyms import Pseudonyms, pseudonyms_of
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.profiles.impressions import ImpressionStore
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.aws import client
from alsolike.runtime.observability import MAX_LOGGED_IDS, count, instrumented, logger
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from functions.update_profiles.service import update_profiles
from functions.update_profiles.settings import Settings

REMEMBERED_BYTES = 16 << 20
"""Size in bytes of the cache for links of joined sessions, so that later batches do not read the links again."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Sources:
    store: ProfileStore
    impressions: ImpressionStore
    configurations: ConfigurationReader
    tombstones: TombstoneReader
    pseudonyms: Callable[[], Pseudonyms]


@functools.cache
def _sources() -> _Sources:
    settings = from_environment(Settings, os.environ)
    s3, bucket = client("s3"), settings.artefact_bucket
    dynamodb = client("dynamodb", checks_calls=False)
    store = ProfileStore(dynamodb, settings.profiles_table, remember_bytes=REMEMBERED_BYTES)

    @functools.cache
    def pseudonyms() -> Pseudonyms:
        return pseudonyms_of(client("secretsmanager"), settings.secret_arn)

    return _Sources(
        store,
        ImpressionStore(dynamodb, settings.profiles_table),
        ConfigurationReader(s3, bucket, polling=Polling(settings.configuration_check_s)),
        TombstoneReader(s3, bucket, pseudonyms, polling=Polling(settings.tombstone_check_s)),
        pseudonyms,
    )


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Update the batch's profiles. Return the first record that Lambda must retry, if any."""
    sources = _sources()
    now_ms = time.time_ns() // 1_000_000
    outcome = update_profiles(
        stream_records(event),
        store=sources.store,
        configurations=sources.configurations,
        now_ms=now_ms,
        erased=functools.partial(sources.tombstones.erased, now_ms=now_ms),
        erasure_of=sources.tombstones.erasure_of,
        impressions=sources.impressions,
        shopper=lambda stored_id: sources.pseudonyms().shopper(stored_id),
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
