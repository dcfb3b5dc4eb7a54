"""Deployment with model versions, and a client of its operator API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from alsolike.registry.decision import Check
from alsolike.runtime.errors import Unavailable
from functions.operate import handler
from tests.builders.api_description import check_answer
from tests.builders.lambda_events import LambdaContext, http_event
from tests.builders.world import CANDIDATES, World

SUBJECT = "5f0c2a"
SESSION_KEY = "alsolike-session-key"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:training"
ATTRIBUTE = "arn:aws:lambda:eu-west-1:123456789012:function:attribute:live"
MONITOR = "arn:aws:lambda:eu-west-1:123456789012:function:monitor:live"
RECOMMEND = "arn:aws:lambda:eu-west-1:123456789012:function:recommend:live"


class Operator(World):
    """Client of the operator API that also reads the state after a call."""

    def __init__(self, client: Callable[[str], Any], bucket: str) -> None:
        super().__init__(client, bucket)
        self.claims: dict[str, str] = {}

    def call(self, route: str, body: Any = b"", *, remaining_ms: int = 29_000, **options: Any) -> dict[str, Any]:
        authorizer = {"jwt": {"claims": {"sub": SUBJECT, "username": "ann@example.test", **self.claims}}}
        event = http_event(route, body, authorizer=authorizer, **options)
        answer = handler.lambda_handler(event, LambdaContext(remaining_ms=remaining_ms))
        answer["document"] = orjson.loads(answer["body"])
        check_answer(route, answer)
        return answer

    def act(self, route: str, body: Any, *, version: str | None = None) -> dict[str, Any]:
        answer = self.call(route, body, path={"version": version} if version else None)
        assert answer["statusCode"] == 200, answer["body"]
        return dict(answer["document"])

    def refused(self, route: str, body: Any, *, version: str | None = None) -> tuple[int, str]:
        answer = self.call(route, body, path={"version": version} if version else None)
        return answer["statusCode"], answer["document"]["message"]

    def publish(self, version: str, *, check: Check | None = None, files: bool = True) -> None:
        """Register a version as the gate does."""
        if files:
            self.store_manifest(version)
        figures = {
            f"{each['algorithm']}.{name}": str(each[name])
            for each in CANDIDATES
            for name in ("hr", "ndcg", "mrr", "coverage")
        }
        check = check or Check("ndcg", passed=True, figures="0.25, the champion has 0.20")
        self.add_package(version, approved=check.passed, algorithm="ease", items="40", **figures)
        self.decide(version, check, champion="v0", decided_ms=5)


def throttled(*_: Any, **__: Any) -> Any:
    raise Unavailable("Rate exceeded")
