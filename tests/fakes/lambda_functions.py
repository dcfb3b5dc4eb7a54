"""Lambda in memory: functions that can be listed, but not invoked."""

from __future__ import annotations

from typing import Any

from tests.fakes.service import MemoryService, Request, Response, ServiceError, operation


class MemoryLambda(MemoryService):
    """Functions of one account. Tests invoke handlers themselves."""

    def __init__(self) -> None:
        self.functions: list[dict[str, Any]] = []
        self.mappings: dict[str, dict[str, Any]] = {}

    @operation()
    def list_functions(self, request: Request) -> Response:
        return {"Functions": self.functions}

    @operation("UUID")
    def get_event_source_mapping(self, request: Request) -> Response:
        if request["UUID"] not in self.mappings:
            raise ServiceError(
                "ResourceNotFoundException", f"The resource {request['UUID']} does not exist.", status=404
            )
        return self.mappings[request["UUID"]]
