"""OpenAPI 3.1 description of the API, generated from the declarations that parse requests.

References
----------
https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from alsolike.api.openapi_operations import Operation, operations
from alsolike.api.path_ids import PATH_ID
from alsolike.api.response_schemas import ANSWERS, HEADERS
from alsolike.configuration.configuration import Configuration
from alsolike.declarations.routes import PUBLIC_ROUTES, ROUTES, SCOPES, SIGNED_PREFIX
from alsolike.runtime.observability import CORRELATION_HEADER
from alsolike.schema.fields import Fields, ListOf, MapOf
from alsolike.schema.json_schemas import Schema

VERSION = "0.2.0"

_TOKEN, _SESSION = "token", "session"


_ERRORS = {
    400: "Invalid request; the message names the field, its value and the expectation.",
    401: "Missing or invalid token.",
    403: "The token does not have the scope, or the operator may only read.",
    404: "Unknown name or route.",
    409: "Conflict with a concurrent change or a running operation.",
    413: "Request or response too large.",
    429: "Too many requests; retry later.",
    503: "A required service did not respond in time; retry the call.",
}
_OF_EVERY_ROUTE = (401, 403, 429, 503)


def description(configuration: Configuration) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    bodies: dict[str, Schema] = {}
    for key, operation in operations(configuration).items():
        method, path = key.split(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(key, operation)
        if operation.body is not None:
            body = operation.body
            bodies[operation.body_name or operation.name] = body.schema() if isinstance(body, Fields) else body
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Alsolike",
            "version": VERSION,
            "summary": "Recommendations from a shop's events, in Amazon Personalize's wire shapes",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**bodies, **ANSWERS},
            "headers": dict(HEADERS),
            "responses": {str(status): _error(status) for status in _ERRORS},
            "securitySchemes": {
                _TOKEN: {
                    "type": "oauth2",
                    "description": "Tokens of the deployment's user pool, whose address is SSM's `sign-in-url`. "
                    f"Programs call the same routes below `{SIGNED_PREFIX}` and sign them (AWS Signature Version 4).",
                    "flows": {
                        "authorizationCode": {
                            "authorizationUrl": "/oauth2/authorize",
                            "tokenUrl": "/oauth2/token",
                            "scopes": dict(SCOPES),
                        }
                    },
                },
                _SESSION: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Token for one session, which the shop's backend signs, or which "
                    f"`{next(iter(PUBLIC_ROUTES))}` returns for a site key.",
                },
            },
        },
    }


def _operation(key: str, operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{_TOKEN: [scope]} for scope in ROUTES[key].scopes] or [{_SESSION: []}],
    }
    if parameters := [*_path_parameters(key), *_query_parameters(operation.query)]:
        document["parameters"] = parameters
    if operation.body is not None:
        content = {"application/json": {"schema": _component("schemas", operation.body_name or operation.name)}}
        document["requestBody"] = {"required": True, "content": content}
    document["responses"] = dict(_responses(operation))
    return document


def _path_parameters(key: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", key):
        yield {"name": name, "in": "path", "required": True, "schema": dict(PATH_ID)}


def _query_parameters(query: Fields | None) -> Iterator[dict[str, Any]]:
    if query is None:
        return
    for name, field in query.fields.items():
        parameter: dict[str, Any] = {"name": name, "in": "query", "schema": field.schema()}
        if name in query.required:
            parameter["required"] = True
        if isinstance(field, MapOf):
            # Query parameters cannot be null.
            entries = {**field.schema(), "additionalProperties": field.value.schema()}
            parameter |= {"schema": entries, "style": "deepObject", "explode": True}
        elif isinstance(field, ListOf):
            parameter |= {"style": "form", "explode": False}
        yield parameter


def _responses(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    headers = {name: _component("headers", name) for name in (*operation.headers, CORRELATION_HEADER)}
    content = {"application/json": {"schema": _component("schemas", operation.answer)}}
    yield str(operation.status), {"description": operation.summary, "content": content, "headers": headers}
    if "etag" in headers:
        yield "304", {"description": "Not modified since the ETag in `If-None-Match`.", "headers": headers}
    for status in sorted({*operation.errors, *_OF_EVERY_ROUTE}):
        yield str(status), _component("responses", str(status))


def _error(status: int) -> dict[str, Any]:
    headers = ("www-authenticate",) if status in (401, 403) else ("x-amzn-errortype", CORRELATION_HEADER)
    return {
        "description": _ERRORS[status],
        "headers": {name: _component("headers", name) for name in headers},
        "content": {"application/json": {"schema": _component("schemas", "Error")}},
    }


def _component(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
