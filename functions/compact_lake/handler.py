"""Handler of the scheduled compaction."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.settings import from_environment
from functions.compact_lake.selection import MergeRules
from functions.compact_lake.service import ErasedUsers, Upkeep, UpkeepResult
from functions.compact_lake.settings import Settings
from functions.compact_lake.tables import SERVED

RULES = MergeRules()
LAST_STEP_MS = 240_000
"""Minimum remaining time to start a step, in milliseconds. A merge takes less time."""


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run steps until none remains or the call's time ends. The next call continues."""
    settings, s3 = from_environment(Settings, os.environ), client("s3")
    configuration = ConfigurationReader(s3, settings.artefact_bucket).current(now_ms=time.time_ns() // 1_000_000)
    outcome = UpkeepResult()
    upkeep = functools.partial(
        Upkeep,
        s3,
        settings.lake_bucket,
        rules=RULES,
        erased=ErasedUsers(
            s3, settings.artefact_bucket, lambda: pseudonyms_of(client("secretsmanager"), settings.secret_arn)
        ),
        has_time=lambda: context.get_remaining_time_in_millis() > LAST_STEP_MS,
        outcome=outcome,
    )
    upkeep().run(retention_days=configuration.limits.retention_days)
    # A lifecycle rule of the bucket expires the recommendation log.
    upkeep(table=SERVED).run(retention_days=None)
    count(Metric.LAKE_OBJECTS_MERGED, outcome.merged)
    count(Metric.LAKE_OBJECTS_UNREADABLE, outcome.unreadable)
    count(Metric.LAKE_DAYS_EXPIRED, outcome.expired_days)
    logger.info("lake upkeep finished", **dataclasses.asdict(outcome))
    return dataclasses.asdict(outcome)
