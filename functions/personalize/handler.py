"""POST /personalize: operations of Amazon Personalize's control plane (JSON 1.1)."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.contract import validation
from alsolike.contract.http import request_body, respond
from alsolike.runtime.aws import client
from alsolike.runtime.errors import InvalidInput, PersonalizeError
from alsolike.runtime.observability import logger
from alsolike.runtime.settings import from_environment
from alsolike.signing.admission import SIGNED_BY
from functions.personalize.service import ControlPlane
from functions.personalize.settings import Settings
from functions.personalize.store import ResourceStore

CALL_TIMEOUT_S = 5
ATTEMPTS = 4
MAX_BYTES = 200_000
CONTENT_TYPE = "application/x-amz-json-1.1"
TARGET = "AmazonPersonalize."


@functools.cache
def _control_plane() -> ControlPlane:
    settings = from_environment(Settings, os.environ)
    dynamodb = client("dynamodb", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
    store = ResourceStore(dynamodb, settings.resources_table)
    return ControlPlane(store, arn_prefix=settings.arn_prefix, tracking_id=settings.tracking_id)


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an operation."""
    operation = event["headers"].get("x-amz-target", "").removeprefix(TARGET)
    document = _control_plane().answer(operation, _parameters(event), now_ms=time.time_ns() // 1_000_000)
    logger.info("control plane", operation=operation, by=event[SIGNED_BY])
    return respond(document, headers={"content-type": CONTENT_TYPE})


def _parameters(event: dict[str, Any]) -> dict[str, Any]:
    try:
        body = request_body(event)
        if len(body) > MAX_BYTES:
            raise InvalidInput(f"body has {len(body)} bytes, expected at most {MAX_BYTES}")
        return validation.parse_sent_object(body or b"{}")
    except InvalidInput as error:
        raise PersonalizeError(str(error), "InvalidInputException") from error
