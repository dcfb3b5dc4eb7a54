"""Handler of the workflow's last steps: `start` a canary, `look` at it, or `end` it if the workflow fails."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterable
from typing import Any

from alsolike.configuration.experiments import Experiment
from alsolike.configuration_document.reader import read_current
from alsolike.declarations.metrics import Metric
from alsolike.experiments.forecasts import Forecasts
from alsolike.registry.approvals import Approvals
from alsolike.registry.canary_report import GOING, PROMOTED, CanaryLook, CanaryReports
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.decision import Decisions
from alsolike.registry.retention import ModelFiles
from alsolike.runtime.aws import client
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import AlsolikeError, InvalidInput
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.settings import from_environment
from functions.run_canary.evaluation import Tolerance
from functions.run_canary.forecasts import CandidateForecast
from functions.run_canary.responses import Lake
from functions.run_canary.service import CanaryPlan, CanaryRun, approve, retire
from functions.run_canary.settings import Settings

ACTIONS = {"start": CanaryRun.start, "look": CanaryRun.look, "end": CanaryRun.end}


@functools.cache
def _settings() -> Settings:
    return from_environment(Settings, os.environ)


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    version, action = event["version"], event["action"]
    if action not in ACTIONS:
        raise InvalidInput(f"action is {action!r}, expected one of {', '.join(ACTIONS)}")
    look = ACTIONS[action](_run(version, event["run_id"], reason=event["reason"]))
    if look.state != GOING:
        _close(version, look)
    logger.info("canary evaluated", version=version, action=action, state=look.state, reasons=look.reasons)
    return {"version": version, "state": look.state, "reasons": list(look.reasons)}


def _run(version: str, run_id: str, *, reason: str) -> CanaryRun:
    settings, s3 = _settings(), client("s3")
    limits = Tolerance(settings.canary_max_error_percent, settings.canary_max_latency_percent / 100)
    return CanaryRun(
        version,
        run_id,
        reason,
        registry=Registry(s3, settings.artefact_bucket),
        reports=CanaryReports(s3, settings.artefact_bucket),
        lake=Lake(s3, settings.lake_bucket),
        decision=functools.partial(Decisions(s3, settings.artefact_bucket).get, version),
        left_out=functools.partial(_left_out, s3, settings.artefact_bucket),
        forecast=CandidateForecast(
            Forecasts(s3, settings.lake_bucket),
            client("lambda"),
            settings.attribute_outcomes_function,
            lambda: read_current(s3, settings.artefact_bucket).configuration(),
        ),
        plan=CanaryPlan(settings.canary_share_percent / 100, settings.canary_duration_s * 1000, limits),
        now_ms=time.time_ns() // 1_000_000,
    )


def _close(version: str, look: CanaryLook) -> None:
    settings, s3 = _settings(), client("s3")
    if look.state == PROMOTED:
        count(Metric.MODELS_PROMOTED)
    count(Metric.CANARIES_PROMOTED if look.state == PROMOTED else Metric.CANARIES_ROLLED_BACK)
    registry = Registry(s3, settings.artefact_bucket)
    approve(Approvals(client("sagemaker"), settings.model_package_group), registry, version, look)
    retired = retire(
        ModelFiles(s3, settings.artefact_bucket),
        registry,
        functools.partial(_experiments, s3, settings.artefact_bucket),
        others=settings.models_kept,
        now_ms=time.time_ns() // 1_000_000,
    )
    try:
        for deleted in retired:
            count(Metric.MODELS_RETIRED)
            logger.info("version retired", version=deleted)
    except AlsolikeError as error:  # The decision is final. The end of the next canary deletes the remaining versions.
        logger.error("versions cannot be retired", reason=str(error))


def _left_out(s3: S3Client, bucket: str) -> list[str]:
    """Return the labels of arms in model experiments. Users of these arms do not take part in canaries."""
    try:
        named = list(_experiments(s3, bucket))
    # Without labels, the expected number of responses may be too high. The canary itself does not need the labels.
    except AlsolikeError as error:
        logger.error("experiments cannot be read", reason=str(error))
        return []
    return [role.label(arm) for role in named if any(arm.model for arm in role.arms) for arm in role.arms]


def _experiments(s3: S3Client, bucket: str) -> Iterable[Experiment]:
    return read_current(s3, bucket).configuration().experiments.values()
