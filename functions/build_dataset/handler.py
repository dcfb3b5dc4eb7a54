"""Handler of the workflow step that builds the run's dataset."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.catalogue.actions import ActionStore
from alsolike.catalogue.items import CatalogueStore
from alsolike.catalogue.users import UserStore
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.settings import from_environment
from alsolike.training.dataset import prefix
from functions.build_dataset.service import build_dataset
from functions.build_dataset.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    settings = from_environment(Settings, os.environ)
    now_ms = time.time_ns() // 1_000_000
    pseudonyms = functools.partial(pseudonyms_of, client("secretsmanager"), settings.secret_arn)
    configuration = ConfigurationReader(client("s3"), settings.artefact_bucket).current(now_ms=now_ms)
    manifest = build_dataset(
        event["run_id"],
        started_ms=event["started_ms"],
        client=client("s3"),
        lake_bucket=settings.lake_bucket,
        artefact_bucket=settings.artefact_bucket,
        catalogue=CatalogueStore(client("dynamodb"), settings.catalogue_table),
        users=UserStore(client("dynamodb"), settings.users_table),
        actions=ActionStore(client("s3"), settings.artefact_bucket),
        configuration=configuration,
        tombstones=TombstoneReader(client("s3"), settings.artefact_bucket, pseudonyms),
        pseudonyms=pseudonyms,
        now_ms=now_ms,
    )
    count(Metric.DATASETS_BUILT)
    logger.info("dataset built", dataset_id=manifest.dataset_id, rows=manifest.rows_read, dropped=manifest.dropped)
    return {
        "run_id": manifest.dataset_id,
        "dataset_s3_uri": f"s3://{settings.artefact_bucket}/{prefix(manifest.dataset_id)}",
        "interactions": manifest.interactions,
        "users": manifest.users,
        "items": manifest.items,
    }
