"""Control server of a running cloud for its clients."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local_cloud.events.scheduler import Firing
from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

TOKEN_HEADER = "X-Cloud-Token"  # noqa: S105  the header's name
_FLUSH_S = 30.0  # Less than the timeout of the client's requests.
_JSON = (("Content-Type", "application/json"),)


class AdminServer(HttpServer):
    def __init__(self, controls: "LocalCloud", *, token: str, stop: Callable[[], None]) -> None:
        self._actions: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            ("GET", "/statistics"): lambda _: controls.statistics(),
            ("GET", "/permissions"): lambda _: controls.permissions(),
            ("POST", "/advance"): lambda body: _firings(controls.advance(timedelta(seconds=body["seconds"]))),
            ("POST", "/alarms"): lambda _: {"alarms": controls.alarms()},
            ("POST", "/interrupt-training"): lambda body: _call(lambda: controls.interrupt_training(body["name"])),
            ("POST", "/flush"): lambda _: {"waiting": controls.flush(_FLUSH_S)},
            ("POST", "/stop"): lambda _: _call(stop),
        }
        self._token = token
        super().__init__()

    def serve(self, request: HttpRequest) -> HttpResponse:
        status, document = self._perform(request)
        return HttpResponse(status, _JSON, json.dumps(document).encode())

    def _perform(self, request: HttpRequest) -> tuple[int, Mapping[str, Any]]:
        if request.header(TOKEN_HEADER) != self._token:
            return 403, {"error": f"{TOKEN_HEADER} is missing or wrong"}
        action = self._actions.get((request.method, request.path))
        if action is None:
            return 404, {"error": f"there is no {request.method} {request.path}"}
        try:
            return 200, action(json.loads(request.body) if request.body else {})
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}


def _firings(firings: list[Firing]) -> Mapping[str, Any]:
    return {"fired": [{"name": firing.name, "due": firing.due.isoformat()} for firing in firings]}


def _call(action: Callable[[], None]) -> Mapping[str, Any]:
    action()
    return {}
