"""Admission of signed requests: a handler sees them as the unsigned route's requests.

Each route with scopes has a twin below `SIGNED_PREFIX`, which API Gateway passes on unchecked.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

from alsolike.contract.http import respond_error
from alsolike.declarations.routes import ROUTES, SIGNED_PREFIX
from alsolike.runtime.errors import AlsolikeError, SignatureRefused
from alsolike.runtime.observability import Metric, count, log_refusal
from alsolike.signing.keys import KeyReader
from alsolike.signing.signature import UNKNOWN_KEY, read_signature, verify

SIGNED_BY = "signedBy"
"""Field of an admitted request: the client of its key."""

DENIED = "AccessDeniedException"

_SIGNED = f" {SIGNED_PREFIX}/"

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def accepts_signatures(keys: Callable[[], KeyReader]) -> Callable[[Handler], Handler]:
    """Decorate a handler: signed requests are verified, and reach it under the unsigned route's key.

    Parameters
    ----------
    keys
        Returns the reader of keys; called at the first signed request.
    """

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def verifying(event: dict[str, Any], context: Any) -> dict[str, Any]:
            if _SIGNED not in event.get("routeKey", ""):
                return handler(event, context)
            try:
                admitted = admit(event, keys(), now_s=time.time())
            except AlsolikeError as error:
                if isinstance(error, SignatureRefused):
                    count(Metric.SIGNATURES_REFUSED)
                log_refusal(error)
                response = respond_error(error)
            else:
                response = handler(admitted, context)
            response["headers"]["x-amzn-requestid"] = event["requestContext"]["requestId"]
            return response

        return verifying

    return decorate


def admit(event: Mapping[str, Any], keys: KeyReader, *, now_s: float) -> dict[str, Any]:
    """Return a verified request with the key of the unsigned route, and the field `SIGNED_BY`.

    Raises
    ------
    SignatureRefused
        If the signature is wrong, or its key has none of the route's scopes.
    InvalidInput
        If the body cannot be read.
    Unavailable
        If the key cannot be read.
    """
    signature = read_signature(event, now_s=now_s)
    key = keys.find(signature.key_id, now_s=now_s)
    if key is None or not key.is_active(now_ms=now_s * 1000):
        raise SignatureRefused("the access key does not exist, is disabled or has expired", UNKNOWN_KEY)
    verify(event, signature, secret=keys.secret(key))
    route_key = event["routeKey"].replace(_SIGNED, " /", 1)
    if not set(key.scopes) & set(ROUTES[route_key].scopes):
        expected = " or ".join(ROUTES[route_key].scopes)
        raise SignatureRefused(f"the access key lacks the scope {expected}", DENIED)
    keys.mark_used(key, now_s=now_s)
    return {**event, "routeKey": route_key, SIGNED_BY: key.client}
