"""Route POST /personalize, which serves operations of Amazon Personalize's control plane (JSON 1.1)."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.configuration.aliases import SEGMENTS
from alsolike.configuration_document.reader import read_current
from alsolike.declarations.limits import MAX_CONTROL_PLANE_BODY_BYTES
from alsolike.declarations.storage import OWN_NAMES_KEY
from alsolike.recommendations.request_fields import FOR_YOU
from alsolike.registry.versions import ModelVersions
from alsolike.runtime.aws import client
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import InvalidInput, PersonalizeError
from alsolike.runtime.http import request_body, respond
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import S3Object
from alsolike.runtime.settings import from_environment
from alsolike.schema import validation
from alsolike.signing.signed_requests import SIGNED_BY
from alsolike.training.runs import TrainingRuns
from functions.personalize.jobs import Batches, Imports
from functions.personalize.resources import BATCH_JOB, SEGMENT_JOB
from functions.personalize.served_names import ServedNames
from functions.personalize.service import ControlPlane
from functions.personalize.settings import Settings
from functions.personalize.store import ResourceStore
from functions.personalize.trainings import Trainings

CALL_TIMEOUT_S = 5
ATTEMPTS = 4
MARGIN_MS = 2_000
"""Time in milliseconds that a process needs to read changed names, in addition to the polling interval."""
CONTENT_TYPE = "application/x-amz-json-1.1"
TARGET = "AmazonPersonalize."


@functools.cache
def _control_plane() -> ControlPlane:
    settings = from_environment(Settings, os.environ)
    dynamodb, s3, sagemaker, stepfunctions = (
        client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
        for service in ("dynamodb", "s3", "sagemaker", "stepfunctions")
    )
    bucket, store = settings.artefact_bucket, ResourceStore(dynamodb, settings.resources_table)
    versions = ModelVersions(s3, sagemaker, bucket=bucket, group=settings.model_package_group)
    return ControlPlane(
        store,
        trainings=Trainings(TrainingRuns(stepfunctions, settings.state_machine_arn), versions, store),
        imports=Imports(
            stepfunctions,
            lambda: settings.import_state_machine_arn,
            buckets=settings.import_buckets.split(),
            store=store,
        ),
        batches={
            kind: Batches(
                stepfunctions,
                functools.partial(_parameter, settings.batch_state_machine_parameter),
                buckets=settings.batch_buckets.split(),
                store=store,
                recommender=recommender,
            )
            for kind, recommender in ((BATCH_JOB, FOR_YOU), (SEGMENT_JOB, SEGMENTS))
        },
        names=ServedNames(store, S3Object(s3, bucket, OWN_NAMES_KEY), lambda: read_current(s3, bucket).configuration()),
        arn_prefix=settings.arn_prefix,
        tracking_id=settings.tracking_id,
        names_delay_ms=round(1000 * settings.configuration_check_s) + MARGIN_MS,
    )


@functools.cache
def _parameter(name: str) -> str:
    """Return a parameter of SSM: the ARN of a workflow in a stack that is deployed after this function."""
    with translate_aws_errors(f"parameter {name}"):
        response = client("ssm", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS).get_parameter(Name=name)
    return str(response["Parameter"]["Value"])


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    operation = event["headers"].get("x-amz-target", "").removeprefix(TARGET)
    document = _control_plane().answer(operation, _parameters(event), now_ms=time.time_ns() // 1_000_000)
    logger.info("control plane", operation=operation, by=event[SIGNED_BY])
    return respond(document, headers={"content-type": CONTENT_TYPE})


def _parameters(event: dict[str, Any]) -> dict[str, Any]:
    try:
        return validation.parse_sent_object(request_body(event, max_bytes=MAX_CONTROL_PLANE_BODY_BYTES) or b"{}")
    except InvalidInput as error:
        raise PersonalizeError(str(error), "InvalidInputException") from error
