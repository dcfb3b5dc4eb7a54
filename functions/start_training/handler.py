"""The workflow's first step: whether a run may go, and what it is called."""

from __future__ import annotations

import functools
import os
from typing import Any

from alsolike.dataset import prefix
from alsolike.observability import logger, metrics
from alsolike.settings import from_environment
from functions.start_training.run import run_of
from functions.start_training.service import start_training
from functions.start_training.settings import Settings


@functools.cache
def _settings() -> Settings:
    return from_environment(Settings, os.environ)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start the run of `execution_id`, started at `started_at` with `input`."""
    run = run_of(event["execution_id"], started_at=event["started_at"])
    version = event["input"].get("version")
    start = start_training(run, version=version)
    logger.info("run started", run_id=run.run_id, first=start.first, engine=start.engine, reason=start.reason)
    return {
        "run_id": run.run_id,
        "started_ms": run.started_ms,
        "first": start.first,
        "engine": start.engine,
        "reason": start.reason,
        "version": version or run.run_id,
        "dataset_s3_uri": f"s3://{_settings().artefact_bucket}/{prefix(run.run_id)}",
    }
