"""Conversion of a function's result to API Gateway's HTTP response.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import json
from typing import Any

from local_cloud.http_server import HttpResponse

_JSON = ("Content-Type", "application/json")


def message_response(status: int, message: str, *headers: tuple[str, str], integration_error: str = "") -> HttpResponse:
    """Return a response that API Gateway creates itself."""
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    return HttpResponse(status, (_JSON, *headers), body, integration_error)


def internal_server_error(reason: str) -> HttpResponse:
    """Return a response with status 500. The reason is only for the access log."""
    return message_response(500, "Internal Server Error", integration_error=reason)


def service_unavailable(reason: str) -> HttpResponse:
    return message_response(503, "Service Unavailable", integration_error=reason)


def function_response(payload: bytes) -> HttpResponse:
    """Convert a function's result to a response. A result without `statusCode` is the body of a response with 200."""
    try:
        answer = json.loads(payload) if payload else None
    except ValueError:
        return internal_server_error("the function's response is not JSON")
    if not isinstance(answer, dict) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))
        return HttpResponse(200, (_JSON,), text.encode())
    try:
        return _stated_response(answer)
    except (TypeError, ValueError, AttributeError, binascii.Error) as error:
        return internal_server_error(f"the function's response is malformed: {error}")


def _stated_response(answer: dict[str, Any]) -> HttpResponse:
    status = int(answer["statusCode"])
    if not 100 <= status <= 599:
        raise ValueError(f"statusCode {status}")
    body = answer.get("body")
    if body is None:
        body = ""
    if not isinstance(body, str):
        raise TypeError(f"body is {type(body).__name__}, not str")
    content = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
    headers = [(str(name), _text(value)) for name, value in (answer.get("headers") or {}).items() if value is not None]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain;charset=UTF-8"))
    headers += [("Set-Cookie", str(cookie)) for cookie in answer.get("cookies") or []]
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "transfer-encoding")]
    return HttpResponse(status, tuple(kept), content)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
