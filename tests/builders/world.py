"""Deployment of a test: bundles, champion, model packages, decisions, canaries and configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.registry.canary import Canary
from alsolike.registry.canary_report import CanaryLook, CanaryReport, CanaryReports
from alsolike.registry.champion_pointer import Champion
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.decision import Check, Decision, Decisions, decision_key
from operations.configuration.configuration_versions import ConfigurationStore
from tests.builders.bundles import MANIFEST, upload_bundle, write_bundle
from tests.builders.lambda_events import NOW_MS

GROUP = "models"
CANDIDATES: list[dict[str, Any]] = [
    {"algorithm": "popularity", "hr": 0.3, "ndcg": 0.1, "mrr": 0.05, "coverage": 0.2, "fit_s": 0.5},
    {"algorithm": "ease", "hr": 0.5, "ndcg": 0.25, "mrr": 0.2, "coverage": 0.8, "fit_s": 12.0},
]


def configure(s3: Any, bucket: str, **parts: Any) -> None:
    store = ConfigurationStore(s3, bucket)
    store.apply(store.current(), {"format": 1} | parts, text="", by="test", reason="test", now_ms=NOW_MS)


class World:
    """Artefact bucket and model package group of a deployment.

    Attributes
    ----------
    directory
        Folder in which bundles are written.
    now_ms
        Time of promotions.
    """

    def __init__(self, aws: Callable[[str], Any], bucket: str, directory: Path | None = None) -> None:
        self.aws, self.bucket = aws, bucket
        self.directory = directory or Path()
        self.now_ms = NOW_MS
        self.s3 = aws("s3")
        self.registry, self.decisions = Registry(self.s3, bucket), Decisions(self.s3, bucket)

    @property
    def sagemaker(self) -> Any:
        return self.aws("sagemaker")

    @property
    def champion(self) -> Champion:
        found = self.registry.champion()
        assert found is not None
        return found

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def configure(self, **parts: Any) -> None:
        configure(self.s3, self.bucket, **parts)

    def upload(self, version: str = "v1", *, damage: Callable[[Path], None] | None = None, **bundle: Any) -> None:
        """Store a bundle. `bundle` contains arguments of `write_bundle`, and `damage` changes its files."""
        folder = self.directory / version
        manifest = dataclasses.replace(bundle.pop("manifest", MANIFEST), version=version)
        write_bundle(folder, manifest=manifest, **bundle)
        if damage is not None:
            damage(folder)
        upload_bundle(self.s3, self.bucket, folder, version=version)

    def store_manifest(self, version: str) -> None:
        """Store only the manifest of a version, with the metrics of two candidates."""
        metrics = {"candidates": CANDIDATES}
        history = HistoryParameters(100, 30.0, {"view": 1.0})
        manifest = Manifest(version, "ease", 40, history, False, f"data-{version}", 7, 8, "0.1.0", metrics)
        self.put(f"models/{version}/manifest.json", manifest.to_json())

    def promote(self, version: str = "v1", *, reason: str = "test") -> None:
        self.registry.promote(version, reason=reason, now_ms=self.now_ms)

    def serve(self, version: str = "v1", **bundle: Any) -> None:
        self.upload(version, **bundle)
        self.promote(version)

    def add_package(self, version: str, *, approved: bool = True, **properties: str) -> None:
        """Add a model package as the gate does."""
        self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelPackageDescription=version,
            ModelApprovalStatus="PendingManualApproval" if approved else "Rejected",
            CustomerMetadataProperties={"version": version, **properties},
        )

    def packages(self) -> list[dict[str, Any]]:
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
        return [self.sagemaker.describe_model_package(ModelPackageName=each["ModelPackageArn"]) for each in listed]

    def approval(self, version: str) -> str:
        (package,) = [each for each in self.packages() if each["ModelPackageDescription"] == version]
        return str(package["ModelApprovalStatus"])

    def decide(self, version: str, check: Check, *, champion: str | None, decided_ms: int = 1) -> None:
        self.put(decision_key(version), Decision(version, decided_ms, champion, (check,)).to_json())

    def try_beside(self, version: str, *, reason: str = "by-hand: for spring") -> None:
        """Start a canary, and store its report with one check."""
        own = self.champion
        self.registry.start_canary(own, Canary(version, own.version, 0.1, 5, 10, 1_000, "run"))
        look = CanaryLook(6, "going", ("12 answers to 9 users",))
        report = CanaryReport(version, "run", own.version, 0.1, 5, 10, (look,), reason)
        CanaryReports(self.s3, self.bucket).write(report)

    def files(self, version: str) -> set[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"models/{version}/").get("Contents", [])
        return {entry["Key"].rpartition("/")[2] for entry in listed}
