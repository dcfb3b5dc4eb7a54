"""Route DELETE /users/{userId}, and erasures that the other region forwards."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.api.path_ids import path_id
from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import IdPolicy, pseudonyms_of
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.aws import client
from alsolike.runtime.http import respond
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.settings import from_environment
from functions.erase_user.service import Erasing, erase_user, forward, repeat
from functions.erase_user.settings import Settings


@functools.cache
def _erasing() -> tuple[Erasing, IdPolicy, bool]:
    settings = from_environment(Settings, os.environ)
    pseudonyms = pseudonyms_of(client("secretsmanager"), settings.secret_arn)
    erasing = Erasing(
        s3=client("s3"),
        states=client("stepfunctions"),
        bucket=settings.artefact_bucket,
        state_machine_arn=settings.state_machine_arn,
        profiles=ProfileStore(client("dynamodb"), settings.profiles_table),
        pseudonyms=pseudonyms,
    )
    ids = IdPolicy((lambda: pseudonyms) if settings.pseudonymise_ids else None)
    return erasing, ids, bool(settings.forwards_erasures)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if event.get("source") == "aws.s3":
        return _repeat(event, context)
    return _erase(event, context)


@instrumented
def _repeat(event: dict[str, Any], context: Any) -> dict[str, Any]:
    erasing, _, _ = _erasing()
    now_ms = time.time_ns() // 1_000_000
    receipt = repeat(event["detail"]["object"]["key"], erasing=erasing, region=os.environ["AWS_REGION"], now_ms=now_ms)
    if receipt:
        count(Metric.ERASURES_REQUESTED)
        logger.info("erasure of the other region repeated", erasure_id=receipt.erasure_id, run=receipt.runs)
    return {}


@api_handler(Settings)
def _erase(event: dict[str, Any], context: Any) -> dict[str, Any]:
    erasing, ids, is_forwarded = _erasing()
    user_id = ids.user(path_id(event, "userId"))
    now_ms = time.time_ns() // 1_000_000
    if is_forwarded:
        forward(user_id, erasing=erasing, region=os.environ["AWS_REGION"], now_ms=now_ms)
    receipt = erase_user(user_id, erasing=erasing, now_ms=now_ms)
    count(Metric.ERASURES_REQUESTED)
    logger.info("erasure requested", erasure_id=receipt.erasure_id, run=receipt.runs)
    return respond({"erasureId": receipt.erasure_id, "status": receipt.status}, status=202)
