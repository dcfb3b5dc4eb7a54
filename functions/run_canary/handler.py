"""The workflow's last steps: `start` a canary, `look` at it, `end` it where the workflow fails."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.aws import client
from alsolike.observability import Metric, count, logger, metrics
from alsolike.registry import Registry
from alsolike.settings import from_environment
from functions.run_canary.service import start
from functions.run_canary.settings import Settings


@functools.cache
def _settings() -> Settings:
    return from_environment(Settings, os.environ)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do `action` with the canary of `version` and say what became of it."""
    look = start(
        event["version"],
        reason=f"run {event['run_id']}",
        registry=Registry(client("s3"), _settings().artefact_bucket),
        now_ms=time.time_ns() // 1_000_000,
    )
    count(Metric.MODELS_PROMOTED)
    logger.info("looked at the canary", version=event["version"], state=look.state, reasons=look.reasons)
    return {"version": event["version"], "state": look.state, "reasons": list(look.reasons)}
