"""The API's authorizer of the routes for browsers."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.events.session_tokens import authorizer_context
from alsolike.runtime.aws import client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.observability import Metric, count, instrumented, log_refusal
from alsolike.runtime.settings import from_environment
from functions.authorize_session.keys import SessionKeys
from functions.authorize_session.service import authorize
from functions.authorize_session.settings import Settings

CALL_TIMEOUT_S = 2
ATTEMPTS = 2
"""API Gateway waits for an authorizer for 10 s."""


@functools.cache
def _keys() -> SessionKeys:
    settings = from_environment(Settings, os.environ)
    return SessionKeys(
        client("secretsmanager", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS), settings.session_key_arn
    )


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return a request's permission and its session: a simple response to payload format 2.0."""
    (header,) = event["identitySource"]
    try:
        session = authorize(header, keys=_keys(), now_s=time.time())
    except InvalidInput as error:
        count(Metric.SESSION_TOKENS_REFUSED)
        log_refusal(error)
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": authorizer_context(session)}
