"""CORS responses of an HTTP API with a CORS configuration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.http_server import HttpRequest, HttpResponse

_PREFIX = "access-control-"


class Cors:
    """Handler of preflight requests.

    In other responses to requests with an `Origin`, the configured headers replace the function's CORS headers.
    """

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self._origins = configuration.get("AllowOrigins") or []
        self._methods = configuration.get("AllowMethods") or []
        self._headers = configuration.get("AllowHeaders") or []
        self._exposed = configuration.get("ExposeHeaders") or []
        self._max_age_s = configuration.get("MaxAge")
        self._credentials = bool(configuration.get("AllowCredentials"))

    def preflight(self, request: HttpRequest) -> HttpResponse | None:
        """Return the response to a preflight request, or None for other requests."""
        if request.method != "OPTIONS" or not request.header("Access-Control-Request-Method"):
            return None
        headers = self._allowed(request.header("Origin"))
        if headers:
            headers.append((f"{_PREFIX}allow-methods", ",".join(self._methods)))
            if self._headers:
                headers.append((f"{_PREFIX}allow-headers", ",".join(self._headers)))
            if self._max_age_s is not None:
                headers.append((f"{_PREFIX}max-age", str(self._max_age_s)))
        return HttpResponse(204, tuple(headers), b"")

    def decorate(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        origin = request.header("Origin")
        if origin is None:
            return response
        headers = self._allowed(origin)
        if headers and self._exposed:
            headers.append((f"{_PREFIX}expose-headers", ",".join(self._exposed)))
        kept = [(name, value) for name, value in response.headers if not name.lower().startswith(_PREFIX)]
        return HttpResponse(response.status, (*kept, *headers), response.body, response.integration_error)

    def _allowed(self, origin: str | None) -> list[tuple[str, str]]:
        if origin is None or not any(self._matches(allowed, origin) for allowed in self._origins):
            return []
        any_origin = "*" in self._origins and not self._credentials
        headers = [(f"{_PREFIX}allow-origin", "*" if any_origin else origin)]
        if not any_origin:
            headers.append(("vary", "origin"))
        if self._credentials:
            headers.append((f"{_PREFIX}allow-credentials", "true"))
        return headers

    @staticmethod
    def _matches(allowed: str, origin: str) -> bool:
        if allowed in ("http://*", "https://*"):
            return origin.startswith(allowed.removesuffix("*"))
        return allowed in ("*", origin)
