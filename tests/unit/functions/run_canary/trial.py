"""Deployment with a champion v1, an accepted version v2, and responses in the lake, with a test clock."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import pytest

from alsolike.lake import outcomes, served
from alsolike.registry.canary import Canary
from alsolike.registry.canary_report import CanaryReport, CanaryReports
from alsolike.registry.champion_pointer_store import model_prefix
from alsolike.registry.decision import Check
from functions.run_canary import handler
from tests.builders.lambda_events import LambdaContext
from tests.builders.parquet import OUTCOMES, SERVED, parquet
from tests.builders.served_rows import served as served_row
from tests.builders.served_rows import stored
from tests.builders.world import GROUP, World

ATTRIBUTE = "attribute_outcomes"
HOUR_MS = 3_600_000
EVERYBODY = [f"user-{number}" for number in range(1_000)]


class Trial(World):
    def __init__(
        self, client: Callable[[str], Any], bucket: str, *, lake: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        super().__init__(client, bucket)
        self.lake = lake
        # S3 sets modification times by the real clock.
        self.now_ms = time.time_ns() // 1_000_000
        monkeypatch.setattr("functions.run_canary.handler.time.time_ns", lambda: self.now_ms * 1_000_000)
        self._objects = 0
        self.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
        for version in ("v1", "v2"):
            self.publish(version)
        self.promote("v1", reason="first")
        self.accept("v2", champion="v1")

    def publish(self, version: str) -> None:
        for name in ("graph.onnx", "manifest.json"):
            self.put(f"{model_prefix(version)}{name}", b"{}")
        self.add_package(version)

    def accept(self, version: str, *, champion: str | None, passed: bool = True) -> None:
        check = Check("ndcg", passed, "0.25, 0.20 of the champion's")
        self.decide(version, check, champion=champion, decided_ms=self.now_ms)

    def do(self, action: str, version: str = "v2", *, run_id: str | None = None) -> dict[str, Any]:
        reason = f"by-hand: for spring; tries version {version}" if run_id else "schedule"
        event = {"action": action, "version": version, "run_id": run_id or version, "reason": reason}
        answer: dict[str, Any] = handler.lambda_handler(event, LambdaContext())
        return answer

    def start(self, *, run_id: str | None = None) -> Canary:
        answer = self.do("start", run_id=run_id)
        assert answer["state"] == "going", answer
        return self.canary()

    def start_failing(self) -> None:
        """Start a canary, and log 20 responses of the version, which fail."""
        self.start()
        self.answered(self.users("candidate", 20), degraded=["model-failed"])

    def expecting(self, answers: int | None) -> Canary:
        """Return a started canary. The period before the canary had `answers` responses (None: an unknown number)."""
        self.start()
        self.registry.start_canary(self.champion, dataclasses.replace(self.canary(), expected_answers=answers))
        return self.canary()

    def canary(self) -> Canary:
        canary = self.champion.canary
        assert canary is not None
        return canary

    def report(self, version: str = "v2") -> CanaryReport:
        found = CanaryReports(self.s3, self.bucket).read(version)
        assert found is not None
        return found

    def stored(self) -> set[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="models/").get("Contents", [])
        return {entry["Key"].split("/")[1] for entry in listed}

    def answered(self, users: Sequence[str], *, degraded: Sequence[str] = (), **fields: Any) -> list[dict[str, Any]]:
        """Log one response to each user, in the user's arm, and return the rows."""
        canary = self.canary()
        rows = []
        for user in users:
            arm = canary.experiment.arm_of(user)
            values = {
                "served_ms": self.now_ms, "model_version": arm.model or canary.champion,
                "arms": [canary.experiment.label(arm)], "shopper": f"hash of {user}", "degraded": list(degraded),
                "took_ms": 10.0, **fields,
            }  # fmt: skip
            rows.append(stored(served_row(**values)))
        self.archive(rows)
        return rows

    def archive(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._objects += 1
        key = f"{served.partition_prefix(served.served_date(self.now_ms))}{self._objects}.parquet"
        self.s3.put_object(Bucket=self.lake, Key=key, Body=parquet(rows, SERVED))

    def attribute(self, rows: Sequence[Mapping[str, Any]]) -> None:
        key = outcomes.object_key(served.served_date(self.now_ms))
        self.s3.put_object(Bucket=self.lake, Key=key, Body=parquet(rows, OUTCOMES))

    def users(self, arm: str, count: int) -> list[str]:
        experiment = self.canary().experiment
        users = (user for user in map("user-{}".format, itertools.count()) if experiment.arm_of(user).name == arm)
        return list(itertools.islice(users, count))


def document(report: CanaryReport) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(report.to_json())
    return found
