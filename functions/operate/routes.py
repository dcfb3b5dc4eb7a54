"""Routes of `operate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from alsolike.experiments.forecasts import Forecasts
from alsolike.registry.bundle_files import BundleFiles
from alsolike.registry.versions import ModelVersions
from alsolike.runtime.client_protocols import (
    LambdaClient,
    LogsClient,
    S3Client,
    SageMakerClient,
    SecretsManagerClient,
    StepFunctionsClient,
)
from alsolike.training.runs import TrainingRuns
from functions.operate.models import Models
from functions.operate.refresh import refresh
from functions.operate.request import OperatorRequest
from functions.operate.rules import Rules
from functions.operate.session_tokens import create
from functions.operate.settings import Settings
from functions.operate.trainings import Trainings
from operations.configuration.configuration_versions import ConfigurationStore

STARTED = ("POST /operator/engagement", "POST /operator/drift", "POST /operator/rules/forecasts")
"""Routes with the status 202, because they respond before their work is finished."""
Route = Callable[[OperatorRequest], dict[str, Any]]


def routes(
    settings: Settings,
    *,
    s3: S3Client,
    sagemaker: SageMakerClient,
    stepfunctions: StepFunctionsClient,
    logs: LogsClient,
    lambda_: LambdaClient,
    secretsmanager: SecretsManagerClient,
) -> Mapping[str, Route]:
    runs = TrainingRuns(stepfunctions, settings.state_machine_arn)
    versions = ModelVersions(s3, sagemaker, bucket=settings.artefact_bucket, group=settings.model_package_group)
    bundles = BundleFiles(s3, settings.artefact_bucket)
    models = Models(versions, bundles, runs, canary_share_percent=settings.canary_share_percent)
    trainings = Trainings(runs, logs)
    rules = Rules(
        ConfigurationStore(s3, settings.artefact_bucket),
        lambda_=lambda_,
        recommend_function=settings.recommend_function,
        forecasts=Forecasts(s3, settings.lake_bucket),
        forecast_function=settings.attribute_outcomes_function,
    )
    return {
        "GET /operator/models": models.list,
        "GET /operator/models/{version}": models.show,
        "POST /operator/models/{version}/promotion": models.promote,
        "POST /operator/models/{version}/pin": models.pin,
        "POST /operator/models/{version}/unpin": models.unpin,
        "POST /operator/models/resume": models.resume,
        "POST /operator/rollbacks": models.roll_back,
        "GET /operator/trainings": trainings.list,
        "POST /operator/trainings": trainings.start,
        "POST /operator/engagement": partial(refresh, lambda_, settings.attribute_outcomes_function),
        "POST /operator/drift": partial(refresh, lambda_, settings.monitor_models_function),
        "POST /operator/session-tokens": partial(create, secretsmanager, settings.session_key_arn),
        "GET /operator/rules": rules.show,
        "POST /operator/rules": rules.publish,
        "GET /operator/rules/history": rules.history,
        "POST /operator/rules/check": rules.check,
        "POST /operator/rules/preview": rules.preview,
        "POST /operator/rules/forecasts": rules.start_forecast,
        "GET /operator/rules/forecasts/{forecastId}": rules.forecast,
    }
