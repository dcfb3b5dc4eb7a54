"""Requests of a private REST API, in payload format 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

STAGE = "api"
METHOD_ARN = f"arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/{STAGE}/POST/session/events"


def rest_event(event: Mapping[str, Any], *, authorizer: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the event of a REST API for the request of an HTTP API's event."""
    context = event["requestContext"]
    method, resource = event["routeKey"].split(" ")
    path = quote(event["rawPath"])
    headers = {name.title(): value for name, value in event["headers"].items()}
    query = parse_qs(event["rawQueryString"], keep_blank_values=True)
    parameters = {name: quote(value, safe="") for name, value in event.get("pathParameters", {}).items()}
    return {
        "resource": resource,
        "path": path.removeprefix(f"/{STAGE}"),
        "httpMethod": method,
        "headers": headers or None,
        "multiValueHeaders": {name: [value] for name, value in headers.items()} or None,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "resourcePath": resource,
            "httpMethod": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "stage": STAGE,
            "requestId": context["requestId"],
            "identity": {"sourceIp": context["http"]["sourceIp"], "userAgent": None, "vpceId": "vpce-0a1b"},
            **({"authorizer": dict(authorizer)} if authorizer else {}),
        },
        "body": event["body"] or None,
        "isBase64Encoded": event["isBase64Encoded"],
    }
