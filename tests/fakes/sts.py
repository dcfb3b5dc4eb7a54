"""Security Token Service in memory."""

from __future__ import annotations

from tests.fakes.service import ACCOUNT_ID, MemoryService, Request, Response, operation


class MemoryIdentity(MemoryService):
    """Caller of all requests."""

    @operation()
    def get_caller_identity(self, request: Request) -> Response:
        arn = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/tester/tests"
        return {"Account": ACCOUNT_ID, "UserId": "tester", "Arn": arn}
