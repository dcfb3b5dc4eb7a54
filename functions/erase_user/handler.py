"""Route DELETE /users/{userId}."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.api.path_ids import path_id
from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import IdPolicy, pseudonyms_of
from alsolike.profiles.store import ProfileStore
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, logger
from alsolike.runtime.settings import from_environment
from alsolike.schema.http import respond
from functions.erase_user.service import Erasing, erase_user
from functions.erase_user.settings import Settings


@functools.cache
def _erasing() -> tuple[Erasing, IdPolicy]:
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
    return erasing, IdPolicy((lambda: pseudonyms) if settings.pseudonymise_ids else None)


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Erase the user. Return status 202 with the ID of the erasure."""
    erasing, ids = _erasing()
    user_id = ids.user(path_id(event, "userId"))
    receipt = erase_user(user_id, erasing=erasing, now_ms=time.time_ns() // 1_000_000)
    count(Metric.ERASURES_REQUESTED)
    logger.info("erasure requested", erasure_id=receipt.erasure_id, run=receipt.runs)
    return respond({"erasureId": receipt.erasure_id, "status": receipt.status}, status=202)
