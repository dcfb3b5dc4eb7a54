"""Request event in payload format 2.0, as API Gateway passes it to a function.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.message import Message as HeaderMessage
from typing import Any
from urllib.parse import parse_qsl, unquote

from local_cloud.gateway.routes import Match
from local_cloud.http_server import HttpRequest

_TEXT_TYPES = {"application/json", "application/javascript", "application/xml", "application/graphql"}


@dataclass(frozen=True, slots=True)
class ApiContext:
    api_id: str
    account: str
    region: str
    stage: str
    stage_variables: Mapping[str, str]


def payload_event(
    request: HttpRequest, api: ApiContext, match: Match, *, authorizer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the event of a request. Empty cookies, parameters, variables and bodies are omitted, as in API Gateway."""
    path = unquote(request.path)
    domain = f"{api.api_id}.execute-api.{api.region}.amazonaws.com"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": _joined((name.lower(), value) for name, value in request.headers if name.lower() != "cookie"),
        "requestContext": {
            "accountId": api.account,
            "apiId": api.api_id,
            "domainName": domain,
            "domainPrefix": api.api_id,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": request.header("User-Agent") or "",
            },
            "requestId": request.request_id,
            "routeKey": match.route.key,
            "stage": api.stage,
            "time": f"{request.received.astimezone(UTC):%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(request.received.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies := [part for name, value in request.headers if name.lower() == "cookie" for part in value.split("; ")]:
        event["cookies"] = cookies
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    if match.parameters:
        event["pathParameters"] = match.parameters
    if api.stage_variables:
        event["stageVariables"] = dict(api.stage_variables)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = dict(authorizer)
    if request.body:
        event["body"], event["isBase64Encoded"] = encoded_body(request.body, request.header("Content-Type"))
    return event


def encoded_body(body: bytes, content_type: str | None) -> tuple[str, bool]:
    """Return a body as text, or in base64 if its type or bytes are not text. The second value is true for base64."""
    if _is_text(content_type):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def _is_text(content_type: str | None) -> bool:
    if not content_type:
        return True
    header = HeaderMessage()
    header["Content-Type"] = content_type
    media_type = header.get_content_type()
    return media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(("+json", "+xml"))


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        values[name].append(value)
    return dict(values)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: ",".join(values) for name, values in grouped(pairs).items()}
