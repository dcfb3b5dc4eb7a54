"""Requests and responses of the HTTP API (payload format 2.0), and the translation of exceptions to status codes."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.runtime.errors import (
    AlsolikeError,
    ConcurrentUpdate,
    Forbidden,
    InvalidInput,
    NotFound,
    PersonalizeError,
    TooLarge,
    Unavailable,
)

_STATUS: tuple[tuple[type[AlsolikeError], int, str], ...] = (
    (InvalidInput, 400, "InvalidInputException"),
    (Forbidden, 403, "AccessDeniedException"),
    (NotFound, 404, "ResourceNotFoundException"),
    (ConcurrentUpdate, 409, "ResourceInUseException"),
    (TooLarge, 413, "ContentTooLargeException"),
    (Unavailable, 503, "ServiceUnavailableException"),
)
ERROR_TYPES = tuple(name for _, _, name in _STATUS)


def request_body(event: Mapping[str, Any], *, max_bytes: float = math.inf) -> bytes:
    body = str(event.get("body") or "")
    is_base64 = bool(event.get("isBase64Encoded"))
    try:
        content = base64.b64decode(body, validate=True) if is_base64 else body.encode()
    except ValueError as error:  # Includes binascii.Error and UnicodeEncodeError.
        raise InvalidInput(f"body is not {'base64' if is_base64 else 'valid Unicode'}: {error}") from error
    if len(content) > max_bytes:
        raise InvalidInput(f"body has {len(content)} bytes, expected at most {max_bytes}")
    return content


def route_key(event: Mapping[str, Any]) -> str:
    """Return the key of the request's route. HEAD becomes GET, because API Gateway drops the body of the response."""
    key: str = event["routeKey"]
    return f"GET {key.removeprefix('HEAD ')}" if key.startswith("HEAD ") else key


def respond(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return respond_json(orjson.dumps(document), status=status, headers=headers)


def respond_json(document: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": document.decode(),
    }


def respond_text(text: bytes, *, content_type: str) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"content-type": content_type}, "body": text.decode()}


def is_current(event: Mapping[str, Any], etag: str) -> bool:
    """Return true if the request's If-None-Match contains this ETag (RFC 9110, section 13.1.2, weak comparison)."""
    given = (event.get("headers") or {}).get("if-none-match", "")
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in given.split(","))


def not_modified(headers: Mapping[str, str]) -> dict[str, Any]:
    return {"statusCode": 304, "headers": dict(headers)}


def respond_error(error: AlsolikeError) -> dict[str, Any]:
    """Return an error response in Personalize's format: a body with `message`, and the header x-amzn-ErrorType.

    Errors without a status code, such as `InvalidBundle`, are re-raised, so that Lambda counts them.
    """
    message = str(error).encode(errors="backslashreplace").decode()  # JSON cannot contain lone surrogates.
    if isinstance(error, PersonalizeError):
        # Clients of the control plane read the error type from the body. Other clients read it from the header.
        document = {"__type": error.code, "message": message}
        return respond(document, status=error.status, headers={"x-amzn-errortype": error.code})
    for kind, status, name in _STATUS:
        if isinstance(error, kind):
            return respond({"message": message}, status=status, headers={"x-amzn-errortype": name})
    raise error
