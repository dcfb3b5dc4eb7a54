"""Handler of the authorizer for browser routes, and of the route that issues tokens for a site key."""

from __future__ import annotations

import functools
import os
import time
from typing import TYPE_CHECKING, Any

from alsolike.declarations.limits import MAX_TOKEN_REQUEST_BODY_BYTES
from alsolike.declarations.metrics import Metric
from alsolike.declarations.routes import BEACON_ROUTES, HEALTH_PATH, PUBLIC_ROUTES
from alsolike.events.session_tokens import authorizer_context
from alsolike.runtime.aws import client
from alsolike.runtime.errors import AlsolikeError, InvalidInput
from alsolike.runtime.http import request_body, respond, respond_error
from alsolike.runtime.observability import count, instrumented, log_refusal
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from functions.authorize_session.service import authorize
from functions.authorize_session.session_keys import SessionKeys
from functions.authorize_session.settings import Settings

if TYPE_CHECKING:
    from alsolike.configuration_document.reader import ConfigurationReader

CALL_TIMEOUT_S = 2
ATTEMPTS = 2
"""Read timeout in seconds and attempts of a call to AWS. API Gateway waits 10 s for an authorizer."""


@functools.cache
def _keys() -> SessionKeys:
    settings = from_environment(Settings, os.environ)
    return SessionKeys(
        client("secretsmanager", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS), settings.session_key_arn
    )


@functools.cache
def _configuration() -> ConfigurationReader:
    from alsolike.configuration_document.reader import (
        ConfigurationReader,  # Slow import, which only new tokens require.
    )

    settings = from_environment(Settings, os.environ)
    s3 = client("s3", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
    return ConfigurationReader(s3, settings.artefact_bucket, polling=Polling(settings.configuration_check_s))


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Authorize a request to a browser route, or return the response to a request for a token or to a health check."""
    if event["routeKey"] == f"GET {HEALTH_PATH}":
        return respond({})  # Neither logged nor counted.
    return _issue(event) if event["routeKey"] in PUBLIC_ROUTES else _authorize(event)


def _authorize(event: dict[str, Any]) -> dict[str, Any]:
    """Return the authorizer's response, in the form for an HTTP API or a REST API."""
    answer = _policy if "methodArn" in event else _simple_response
    try:
        session = authorize(_identity(event), keys=_keys(), now_s=time.time())
    except InvalidInput as error:
        count(Metric.SESSION_TOKENS_REFUSED)
        log_refusal(error)
        return answer(event, None)
    return answer(event, authorizer_context(session))


def _identity(event: dict[str, Any]) -> str:
    """Return the request's `authorization` value. Only an HTTP API extracts this value as the identity source."""
    if "identitySource" in event:
        (identity,) = event["identitySource"]
        return str(identity)
    place = event["queryStringParameters"] if event["routeKey"] in BEACON_ROUTES else event["headers"]
    return str(place["authorization"])


def _simple_response(event: dict[str, Any], session: dict[str, str] | None) -> dict[str, Any]:
    return {"isAuthorized": False} if session is None else {"isAuthorized": True, "context": session}


def _policy(event: dict[str, Any], session: dict[str, str] | None) -> dict[str, Any]:
    """Return the response to a REST API.

    The policy covers all routes of the stage, because API Gateway caches policies by token and not by route.
    """
    stage = "/".join(event["methodArn"].split("/")[:2])
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Deny" if session is None else "Allow",
        "Resource": f"{stage}/*",
    }
    return {
        "principalId": "session",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": session or {},
    }


def _issue(event: dict[str, Any]) -> dict[str, Any]:
    from functions.authorize_session.issuing import issue  # Slow import, which only new tokens require.

    try:
        body, origin = request_body(event, max_bytes=MAX_TOKEN_REQUEST_BODY_BYTES), event["headers"].get("origin")
        document = issue(body, origin=origin, configuration=_configuration(), keys=_keys(), now_s=time.time())
    except AlsolikeError as error:
        count(Metric.SESSION_TOKENS_REFUSED)
        log_refusal(error)
        return respond_error(error)
    return respond(document)
