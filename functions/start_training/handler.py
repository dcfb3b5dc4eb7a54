"""Handler of the workflow's first step, which decides if a run may start, and deletes expired datasets."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.declarations.storage import DATASETS_PREFIX
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.retention import ModelFiles, expired, protected
from alsolike.registry.training_lock import TrainingLock
from alsolike.runtime.aws import client
from alsolike.runtime.errors import AlsolikeError
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.settings import from_environment
from alsolike.training.dataset import prefix
from functions.start_training.service import EngineRule, First, Stores, start_training
from functions.start_training.settings import Settings
from functions.start_training.training_run import read_trigger, run_of


@functools.cache
def _settings() -> Settings:
    return from_environment(Settings, os.environ)


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    settings, s3, execution_id = _settings(), client("s3"), event["execution_id"]
    run = run_of(execution_id, started_at=event["started_at"])
    stores = Stores(
        s3=s3,
        bucket=settings.artefact_bucket,
        lake_bucket=settings.lake_bucket,
        lock=TrainingLock(s3, client("stepfunctions"), settings.artefact_bucket),
        registry=Registry(s3, settings.artefact_bucket),
    )
    rule = EngineRule(settings.dataset_engine, settings.spark_above_mb)
    start = start_training(run, read_trigger(event["input"]), execution_id=execution_id, rule=rule, stores=stores)
    if start.first != First.BUSY:
        _expire_datasets(stores.registry, current=run.run_id)
    count(Metric.TRAININGS_ADMITTED, int(start.first != First.BUSY))
    logger.info("training run admitted or refused", run_id=run.run_id, first=start.first, engine=start.engine,
                reason=start.reason, ended_canary=start.orphan)  # fmt: skip
    return {
        "run_id": run.run_id,
        "started_ms": run.started_ms,
        "first": start.first,
        "engine": start.engine,
        "reason": start.reason,
        "version": start.version,
        "dataset_s3_uri": f"s3://{settings.artefact_bucket}/{prefix(run.run_id)}",
    }


def _expire_datasets(registry: Registry, *, current: str) -> None:
    settings, now_ms = _settings(), time.time_ns() // 1_000_000
    files = ModelFiles(client("s3"), settings.artefact_bucket, DATASETS_PREFIX)
    try:
        keeps = {**protected(registry.champion(), (), now_ms=now_ms), current: "is being built"}
        for dataset in list(expired(files.stored(), keeps, days=settings.dataset_days, now_ms=now_ms)):
            files.delete(dataset.version)
            logger.info("dataset expired", dataset=dataset.version)
    except AlsolikeError as error:  # The run continues. The next run deletes the remaining datasets.
        logger.error("datasets cannot be deleted", reason=str(error))
