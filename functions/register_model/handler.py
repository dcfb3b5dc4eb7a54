"""Handler of the workflow step that registers the trained model."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.decision import REJECTED, Decision, Decisions, decision_key
from alsolike.runtime.aws import client
from alsolike.runtime.memory import limit_memory
from alsolike.runtime.observability import count, instrumented, logger, report
from alsolike.runtime.settings import from_environment
from functions.register_model.champion_checks import NDCG
from functions.register_model.gate import ALGORITHMS, COVERAGE, POPULARITY_BIAS, is_of_hold_out
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
    _send_metrics(decision)
    reasons = [str(check) for check in decision.checks]
    logger.info("model registered", version=decision.version, verdict=decision.verdict, reasons=reasons)
    return {
        "version": decision.version,
        "verdict": decision.verdict,
        "reasons": reasons,
        "decision_s3_uri": f"s3://{settings.artefact_bucket}/{decision_key(decision.version)}",
    }


def _send_metrics(decision: Decision) -> None:
    """Send the version's offline metrics, the NDCG of candidate and champion, and the failures (1 or 0) of conditions.

    Metrics that the training did not record are omitted.
    """
    values = {check.name: check.values for check in decision.checks}
    hold_out: Mapping[str, Any] = next((found for name, found in values.items() if is_of_hold_out(name)), {})
    metrics = {
        Metric.OFFLINE_NDCG: hold_out.get("ndcg"),
        Metric.OFFLINE_COVERAGE_PERCENT: values.get(COVERAGE, {}).get("percent"),
        Metric.OFFLINE_POPULARITY_RATIO: values.get(POPULARITY_BIAS, {}).get("popularity_ratio"),
        Metric.ALGORITHMS_LEFT_OUT: values.get(ALGORITHMS, {}).get("left_out"),
    }
    recorded = {metric: value for metric, value in metrics.items() if value is not None}
    report(recorded, model_version=decision.version)
    compared = values.get(NDCG, {})
    if "champion_ndcg" in compared:
        report({Metric.GATE_NDCG: compared["ndcg"]}, role="candidate")
        report({Metric.GATE_NDCG: compared["champion_ndcg"]}, role="champion")
    for check in decision.checks:
        report({Metric.GATE_CONDITION_FAILED: float(not check.passed)}, condition=check.name)
