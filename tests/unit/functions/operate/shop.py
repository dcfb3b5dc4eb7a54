"""Deployment with model versions, and a client of its operator API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from alsolike.api.openapi import description
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.configuration.configuration import DEFAULT
from alsolike.registry.canary import Canary
from alsolike.registry.canary_report import CanaryLook, CanaryReport, CanaryReports
from alsolike.registry.champion import Champion
from alsolike.registry.decision import Check, Decision, Decisions, decision_key
from alsolike.registry.registry import Registry
from alsolike.runtime.errors import Unavailable
from functions.operate import handler
from tests.builders.lambda_events import LambdaContext, http_event

GROUP = "models"
SUBJECT = "5f0c2a"
SESSION_KEY = "alsolike-session-key"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:training"
ATTRIBUTE = "arn:aws:lambda:eu-west-1:123456789012:function:attribute:live"
MONITOR = "arn:aws:lambda:eu-west-1:123456789012:function:monitor:live"
RECOMMEND = "arn:aws:lambda:eu-west-1:123456789012:function:recommend:live"


class Operator:
    """Client of the operator API that also reads the state after a call."""

    def __init__(self, client: Callable[[str], Any], bucket: str) -> None:
        self.client, self.bucket = client, bucket
        self.claims: dict[str, str] = {}
        self.s3, self.sagemaker = client("s3"), client("sagemaker")
        self.registry, self.decisions = Registry(self.s3, bucket), Decisions(self.s3, bucket)

    def call(self, route: str, body: Any = b"", *, remaining_ms: int = 29_000, **options: Any) -> dict[str, Any]:
        authorizer = {"jwt": {"claims": {"sub": SUBJECT, "username": "ann@example.test", **self.claims}}}
        event = http_event(route, body, authorizer=authorizer, **options)
        answer = handler.lambda_handler(event, LambdaContext(remaining_ms=remaining_ms))
        return {**answer, "document": orjson.loads(answer["body"])}

    def act(self, route: str, body: Any, *, version: str | None = None) -> dict[str, Any]:
        """Call a route, assert its success, and return the document."""
        answer = self.call(route, body, path={"version": version} if version else None)
        assert answer["statusCode"] == 200, answer["body"]
        return dict(answer["document"])

    def refused(self, route: str, body: Any, *, version: str | None = None) -> tuple[int, str]:
        answer = self.call(route, body, path={"version": version} if version else None)
        return answer["statusCode"], answer["document"]["message"]

    def publish(self, version: str, *, check: Check | None = None, files: bool = True) -> None:
        """Register a version as the gate does, with a hit rate of 0.5, and of 0.3 for popularity."""
        candidates = [
            {"algorithm": "popularity", "hr": 0.3, "ndcg": 0.1, "mrr": 0.05, "coverage": 0.2, "fit_s": 0.5},
            {"algorithm": "ease", "hr": 0.5, "ndcg": 0.25, "mrr": 0.2, "coverage": 0.8, "fit_s": 12.0},
        ]
        if files:
            history = HistoryParameters(100, 30.0, {"view": 1.0})
            metrics = {"candidates": candidates}
            manifest = Manifest(version, "ease", 40, history, False, f"data-{version}", 7, 8, "0.1.0", metrics)
            self.s3.put_object(Bucket=self.bucket, Key=f"models/{version}/manifest.json", Body=manifest.to_json())
        figures = {
            f"{each['algorithm']}.{name}": str(each[name])
            for each in candidates
            for name in ("hr", "ndcg", "mrr", "coverage")
        }
        check = check or Check("ndcg", passed=True, figures="0.25, the champion has 0.20")
        self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelPackageDescription=version,
            ModelApprovalStatus="PendingManualApproval" if check.passed else "Rejected",
            CustomerMetadataProperties={"version": version, "algorithm": "ease", "items": "40", **figures},
        )
        self.put_decision(Decision(version, 5, "v0", (check,)))

    def put_decision(self, decision: Decision) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=decision_key(decision.version), Body=decision.to_json())

    def try_beside(self, version: str) -> None:
        own = self.champion
        self.registry.start_canary(own, Canary(version, own.version, 0.1, 5, 10, 1_000, "run"))
        look = CanaryLook(6, "going", ("12 answers to 9 users",))
        CanaryReports(self.s3, self.bucket).write(CanaryReport(version, "run", own.version, 0.1, 5, 10, (look,)))

    @property
    def champion(self) -> Champion:
        found = self.registry.champion()
        assert found is not None
        return found

    def approval(self, version: str) -> str:
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
        return next(str(each["ModelApprovalStatus"]) for each in listed if each["ModelPackageDescription"] == version)


def throttled(*_: Any, **__: Any) -> Any:
    raise Unavailable("Rate exceeded")


def described(name: str, document: Any) -> bool:
    schemas = description(DEFAULT)["components"]["schemas"]
    return bool(Draft202012Validator(schemas[name]).is_valid(document))
