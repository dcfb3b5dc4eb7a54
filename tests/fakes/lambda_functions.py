"""Lambda in memory: functions that can be listed and not invoked."""

from __future__ import annotations

from typing import Any

from tests.fakes.service import MemoryService, Request, Response, operation


class MemoryLambda(MemoryService):
    """The functions of one account; a test that invokes one stands in for it.

    Attributes
    ----------
    functions
        Configurations of the functions; none at first.
    """

    def __init__(self) -> None:
        self.functions: list[dict[str, Any]] = []

    @operation()
    def list_functions(self, request: Request) -> Response:
        return {"Functions": self.functions}
