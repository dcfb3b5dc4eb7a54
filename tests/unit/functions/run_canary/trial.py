"""Deployment with a champion v1, an accepted version v2, and responses in the lake, with a test clock."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.configuration import recommendation_id
from alsolike.lake import outcomes, served
from alsolike.records.outcome import OUTCOMES_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS
from alsolike.registry.canary import Canary
from alsolike.registry.canary_report import CanaryReport, CanaryReports
from alsolike.registry.champion import Champion
from alsolike.registry.decision import Check, Decision, decision_key
from alsolike.registry.registry import Registry, model_prefix
from functions.run_canary import handler
from operations.configuration.configuration_store import ConfigurationStore
from tests.builders.lambda_events import LambdaContext

GROUP = "recommender"
ATTRIBUTE = "attribute_outcomes"
HOUR_MS = 3_600_000
SLOW_MS = 250.0
EVERYBODY = [f"user-{number}" for number in range(1_000)]
_KINDS = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "array<string>": pa.list_(pa.string()),
    "array<double>": pa.list_(pa.float64()),
}


def _schema(columns: Mapping[str, str]) -> pa.Schema:
    return pa.schema([(name, _KINDS[kind]) for name, kind in columns.items()])


class Trial:
    """Function under test with its stores."""

    def __init__(self, s3: Any, sagemaker: Any, *, artefacts: str, lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.s3, self.sagemaker, self.artefacts, self.lake = s3, sagemaker, artefacts, lake
        self.registry = Registry(s3, artefacts)
        # S3 sets modification times by the real clock.
        self.now_ms = time.time_ns() // 1_000_000
        monkeypatch.setattr("functions.run_canary.handler.time.time_ns", lambda: self.now_ms * 1_000_000)
        self._objects = 0
        sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
        for version in ("v1", "v2"):
            self.publish(version)
        self.registry.promote("v1", reason="first", now_ms=self.now_ms)
        self.decide("v2", champion="v1")

    def publish(self, version: str) -> None:
        for name in ("graph.onnx", "manifest.json"):
            self.s3.put_object(Bucket=self.artefacts, Key=f"{model_prefix(version)}{name}", Body=b"{}")
        self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelPackageDescription=version,
            ModelApprovalStatus="PendingManualApproval",
            SourceUri=f"s3://{self.artefacts}/models/{version}/",
            SkipModelValidation="All",
        )

    def decide(self, version: str, *, champion: str | None, passed: bool = True) -> None:
        decision = Decision(version, self.now_ms, champion, (Check("ndcg", passed, "0.25, 0.20 of the champion's"),))
        self.s3.put_object(Bucket=self.artefacts, Key=decision_key(version), Body=decision.to_json())

    def do(self, action: str, version: str = "v2", *, run_id: str | None = None) -> dict[str, Any]:
        reason = f"by-hand: for spring; tries version {version}" if run_id else "schedule"
        event = {"action": action, "version": version, "run_id": run_id or version, "reason": reason}
        answer: dict[str, Any] = handler.lambda_handler(event, LambdaContext())
        return answer

    def start(self, *, run_id: str | None = None) -> Canary:
        answer = self.do("start", run_id=run_id)
        assert answer["state"] == "going", answer
        return self.canary()

    def expecting(self, answers: int | None) -> Canary:
        """Start a canary with this number of responses in the period before it."""
        self.start()
        self.registry.start_canary(self.pointer(), dataclasses.replace(self.canary(), expected_answers=answers))
        return self.canary()

    def pointer(self) -> Champion:
        champion = self.registry.champion()
        assert champion is not None
        return champion

    def canary(self) -> Canary:
        canary = self.pointer().canary
        assert canary is not None
        return canary

    def report(self, version: str = "v2") -> CanaryReport:
        found = CanaryReports(self.s3, self.artefacts).read(version)
        assert found is not None
        return found

    def approval(self, version: str) -> str:
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
        (status,) = [each["ModelApprovalStatus"] for each in listed if each["ModelPackageDescription"] == version]
        return str(status)

    def stored(self) -> set[str]:
        listed = self.s3.list_objects_v2(Bucket=self.artefacts, Prefix="models/").get("Contents", [])
        return {entry["Key"].split("/")[1] for entry in listed}

    def configure(self, **parts: Any) -> None:
        store = ConfigurationStore(self.s3, self.artefacts)
        store.apply(store.current(), {"format": 1, **parts}, text="", by="test", reason="test", now_ms=self.now_ms)

    def answered(self, users: Sequence[str], *, degraded: Sequence[str] = (), **fields: Any) -> list[dict[str, Any]]:
        """Log one response to each user, in the user's arm, and return the rows."""
        canary = self.canary()
        rows = []
        for user in users:
            arm = canary.experiment.arm_of(user)
            row = {
                "served_ms": self.now_ms,
                "recommender": "for-you",
                "model_version": arm.model or canary.champion,
                "arms": [canary.experiment.label(arm)],
                "shopper": f"hash of {user}",
                "source": "model",
                "degraded": list(degraded),
                "configuration": 0,
                "asked": 0,
                "item_ids": [],
                "origins": [],
                "propensities": [],
                "took_ms": 10.0,
                **fields,
            }
            row["recommendation_id"] = recommendation_id.create(
                answered_ms=row["served_ms"],
                recommender=row["recommender"],
                version=row["model_version"],
                arms=row["arms"],
            )
            rows.append(row)
        self.archive(rows)
        return rows

    def archive(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._objects += 1
        key = f"{served.partition_prefix(served.served_date(self.now_ms))}{self._objects}.parquet"
        self.s3.put_object(Bucket=self.lake, Key=key, Body=_parquet(rows, _schema(SERVED_COLUMNS)))

    def attribute(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the day's outcomes."""
        key = outcomes.object_key(served.served_date(self.now_ms))
        self.s3.put_object(Bucket=self.lake, Key=key, Body=_parquet(rows, _schema(OUTCOMES_COLUMNS)))

    def users(self, arm: str, count: int) -> list[str]:
        """Return `count` users of an arm of the canary."""
        experiment = self.canary().experiment
        found: list[str] = []
        number = 0
        while len(found) < count:
            user = f"user-{number}"
            if experiment.arm_of(user).name == arm:
                found.append(user)
            number += 1
        return found


def _parquet(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> bytes:
    content = io.BytesIO()
    table = pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    pq.write_table(table, content, compression="snappy")
    return content.getvalue()


def document(report: CanaryReport) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(report.to_json())
    return found
