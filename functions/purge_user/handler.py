from __future__ import annotations

import os
import time
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.settings import from_environment
from functions.purge_user.expiry import Retention
from functions.purge_user.purge_context import StoreLocations
from functions.purge_user.service import Clients, purge
from functions.purge_user.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    settings = from_environment(Settings, os.environ)
    outcome = purge(
        event["erasure_id"],
        clients=Clients(client("s3"), client("dynamodb")),
        places=_places(settings),
        pseudonyms=pseudonyms_of(client("secretsmanager"), settings.secret_arn),
        retention=_retention(settings),
        clock_ms=lambda: time.time_ns() // 1_000_000,
        remaining_ms=context.get_remaining_time_in_millis,
    )
    count(Metric.ERASURES_COMPLETED, int(outcome == "done"))
    logger.info("erasure", erasure_id=event["erasure_id"], outcome=outcome)
    return {"outcome": outcome}


def _places(settings: Settings) -> StoreLocations:
    return StoreLocations(
        settings.lake_bucket,
        settings.artefact_bucket,
        settings.profiles_table,
        settings.users_table,
        ids_are_hashed=bool(settings.pseudonymise_ids),
    )


def _retention(settings: Settings) -> Retention:
    return Retention(
        object_versions=settings.object_version_days,
        stream=settings.stream_hours / 24,
        table_backups=settings.table_backup_days,
        logs=settings.log_days,
        access_logs=settings.access_log_days,
        batches=settings.batch_days,
        retrain=settings.retrain_days or None,
        forwarded=settings.forwarded_days or None,
    )
