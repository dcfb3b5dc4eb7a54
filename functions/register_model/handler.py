"""Handler of the workflow step that registers the trained model."""

from __future__ import annotations

import os
import time
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.decision import REJECTED, Decisions, decision_key
from alsolike.runtime.aws import client
from alsolike.runtime.memory import limit_memory
from alsolike.runtime.observability import count, instrumented, logger, report
from alsolike.runtime.settings import from_environment
from functions.register_model.decision_metrics import gate_results, ndcg_by_role, offline_figures
from functions.register_model.model_packages import ModelPackages
from functions.register_model.model_store import ModelStore
from functions.register_model.service import register_model
from functions.register_model.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    # With the limit, the gate rejects a graph that needs too much memory. Without it, the process would be killed.
    limit_memory(os.environ)
    settings = from_environment(Settings, os.environ)
    decision = register_model(
        event["run_id"],
        model_data_s3_uri=event["model_data_s3_uri"],
        training_job_name=event["training_job_name"],
        models=ModelStore(client("s3"), settings.artefact_bucket),
        packages=ModelPackages(client("sagemaker"), settings.model_package_group),
        decisions=Decisions(client("s3"), settings.artefact_bucket),
        registry=Registry(client("s3"), settings.artefact_bucket),
        limits=settings,
        now_ms=time.time_ns() // 1_000_000,
    )
    if decision.verdict == REJECTED:
        count(Metric.MODELS_REJECTED)
    report(offline_figures(decision), model_version=decision.version)
    for role, ndcg in ndcg_by_role(decision).items():
        report({Metric.GATE_NDCG: ndcg}, role=role)
    for condition, failed in gate_results(decision).items():
        report({Metric.GATE_CONDITION_FAILED: failed}, condition=condition)
    reasons = [str(check) for check in decision.checks]
    logger.info("model registered", version=decision.version, verdict=decision.verdict, reasons=reasons)
    return {
        "version": decision.version,
        "verdict": decision.verdict,
        "reasons": reasons,
        "decision_s3_uri": f"s3://{settings.artefact_bucket}/{decision_key(decision.version)}",
    }
