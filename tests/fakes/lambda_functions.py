"""Lambda in memory: an account without functions."""

from __future__ import annotations

from tests.fakes.service import MemoryService, Request, Response, operation


class MemoryLambda(MemoryService):
    """No functions; a test that invokes one stands in for it."""

    @operation()
    def list_functions(self, request: Request) -> Response:
        return {"Functions": []}
