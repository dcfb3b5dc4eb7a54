"""Access log of an API: a line per request, in the format of the API's stage.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_cloud.gateway.request import ApiContext
from local_cloud.http_server import HttpRequest, HttpResponse

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.]+)")


@dataclass(slots=True)
class Served:
    """Request with its response. `authorizer` contains the values of `$context.authorizer.<name>`."""

    request: HttpRequest
    response: HttpResponse
    api: ApiContext
    route_key: str | None = None
    latency_ms: float = 0.0
    authorizer: Mapping[str, Any] = field(default_factory=dict)
    authorizer_error: str = ""


def access_line(format_text: str, served: Served) -> str:
    """Fill in a format. Variables without a value become hyphens, as on AWS."""
    request, response = served.request, served.response
    values = {
        "accountId": served.api.account,
        "apiId": served.api.api_id,
        "authorizer.error": served.authorizer_error,
        "domainName": f"{served.api.api_id}.execute-api.{served.api.region}.amazonaws.com",
        "domainPrefix": served.api.api_id,
        "error.message": _message(response),
        "error.messageString": f'"{_message(response)}"' if _message(response) else "",
        "httpMethod": request.method,
        "identity.sourceIp": request.source_ip,
        "identity.userAgent": request.header("User-Agent"),
        "integration.error": response.integration_error,
        "integrationErrorMessage": response.integration_error,
        "integrationLatency": int(served.latency_ms),
        "path": request.path,
        "protocol": request.protocol,
        "requestId": request.request_id,
        "requestTime": f"{request.received:%d/%b/%Y:%H:%M:%S +0000}",
        "requestTimeEpoch": int(request.received.timestamp() * 1000),
        "responseLatency": int(served.latency_ms),
        "responseLength": len(response.body),
        "resourcePath": (served.route_key or "").partition(" ")[2],
        "routeKey": served.route_key,
        "stage": served.api.stage,
        "status": response.status,
        **{f"authorizer.{name}": value for name, value in served.authorizer.items()},
    }

    def fill(variable: re.Match[str]) -> str:
        name = variable[1].rstrip(".")
        tail = variable[1][len(name) :]
        value = values.get(name)
        return f"{'-' if value in (None, '') else value}{tail}"

    return _VARIABLE.sub(fill, format_text)


def _message(response: HttpResponse) -> str:
    return response.body.decode(errors="replace")[12:-2] if response.body.startswith(b'{"message":"') else ""
