"""Conversion of a private REST API's requests (payload format 1.0) to the format that handlers read (2.0).

References
----------
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlencode

_GROUPS = "cognito:groups"
_OF_API_GATEWAY = ("principalId", "integrationLatency")
"""Fields that API Gateway adds to the context of a Lambda authorizer."""


def request_of_rest(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of an HTTP API for a REST API's request to an integration or an authorizer.

    An HTTP API decodes paths. A REST API decodes only the query.
    """
    context: Mapping[str, Any] = event["requestContext"]
    identity: Mapping[str, Any] = context["identity"]
    query: Mapping[str, Sequence[str]] = event.get("multiValueQueryStringParameters") or {}
    path = unquote(context["path"])
    key = f"{event['httpMethod']} {event['resource']}"
    request: dict[str, Any] = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": urlencode(query, doseq=True, quote_via=quote),
        "headers": {
            name.lower(): ",".join(values)
            for name, values in (event.get("multiValueHeaders") or {}).items()
            if name.lower() != "cookie"
        },
        "requestContext": {
            "http": {
                "method": event["httpMethod"],
                "path": path,
                "sourceIp": identity["sourceIp"],
                "userAgent": identity.get("userAgent") or "",
            },
            "requestId": context["requestId"],
            "routeKey": key,
            "stage": context["stage"],
        },
        "isBase64Encoded": bool(event.get("isBase64Encoded")),
    }
    if query:
        request["queryStringParameters"] = {name: ",".join(values) for name, values in query.items()}
    if parameters := event.get("pathParameters"):
        request["pathParameters"] = {name: unquote(value) for name, value in parameters.items()}
    if authorizer := context.get("authorizer"):
        request["requestContext"]["authorizer"] = _authorizer(authorizer)
    if event.get("body"):
        request["body"] = event["body"]
    if "methodArn" in event:
        request["methodArn"] = event["methodArn"]
    return request


def _authorizer(sent: Mapping[str, Any]) -> dict[str, Any]:
    claims: Mapping[str, str] | None = sent.get("claims")
    if claims is None:
        return {"lambda": {name: value for name, value in sent.items() if name not in _OF_API_GATEWAY}}
    # An HTTP API writes the list of groups as `[a b]`, a REST API as `a,b`.
    groups = {_GROUPS: f"[{claims[_GROUPS].replace(',', ' ')}]"} if _GROUPS in claims else {}
    return {"jwt": {"claims": {**claims, **groups}}}
