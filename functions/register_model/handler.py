"""The workflow's last step: register the trained model."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.aws import client
from alsolike.observability import Metric, count, logger, metrics
from alsolike.registry import Registry
from alsolike.settings import from_environment
from functions.register_model.model_packages import ModelPackages
from functions.register_model.model_store import ModelStore
from functions.register_model.service import register_model
from functions.register_model.settings import Settings


@functools.cache
def _settings() -> Settings:
    return from_environment(Settings, os.environ)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Register the run's model and say whether it was promoted."""
    settings = _settings()
    decision = register_model(
        event["run_id"],
        model_data_s3_uri=event["model_data_s3_uri"],
        training_job_name=event["training_job_name"],
        models=ModelStore(client("s3"), settings.artefact_bucket),
        packages=ModelPackages(client("sagemaker"), settings.model_package_group),
        registry=Registry(client("s3"), settings.artefact_bucket),
        max_bundle_bytes=settings.max_bundle_mb * 1_000_000,
        now_ms=time.time_ns() // 1_000_000,
    )
    count(Metric.MODELS_PROMOTED if decision.promoted else Metric.MODELS_REJECTED)
    logger.info("model registered", version=decision.version, promoted=decision.promoted, reasons=decision.reasons)
    return {
        "version": decision.version,
        "decision": "promoted" if decision.promoted else "rejected",
        "reasons": list(decision.reasons),
    }
