"""HTTP API requests and answers (payload format 2.0); the one place where an exception becomes a status."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.errors import AlsolikeError, InvalidInput, NotFound, Unavailable

_STATUS: tuple[tuple[type[AlsolikeError], int, str], ...] = (
    (InvalidInput, 400, "InvalidInputException"),
    (NotFound, 404, "ResourceNotFoundException"),
    (Unavailable, 503, "ServiceUnavailableException"),
)


def request_body(event: Mapping[str, Any]) -> bytes:
    """Return the request's body as bytes; an absent one is empty.

    Raises
    ------
    InvalidInput
        If it claims to be base64 and is not.
    """
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise InvalidInput(f"body is not base64: {error}") from error


def respond(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the answer with `document` as its JSON body."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": orjson.dumps(document).decode(),
    }


def respond_error(error: AlsolikeError) -> dict[str, Any]:
    """Return an error in Personalize's shape: `{"message"}` and the header x-amzn-ErrorType.

    Errors that are not the caller's to see are raised again, so that Lambda counts them.
    """
    for kind, status, name in _STATUS:
        if isinstance(error, kind):
            return respond({"message": str(error)}, status=status, headers={"x-amzn-errortype": name})
    raise error
