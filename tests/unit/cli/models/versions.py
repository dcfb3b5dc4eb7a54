"""Deployment with model versions, and runner of `alsolike models`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from alsolike.registry.canary import Canary
from alsolike.registry.canary_report import CanaryLook, CanaryReport, CanaryReports
from alsolike.registry.champion import Champion
from alsolike.registry.decision import Check, Decision, Decisions
from alsolike.registry.registry import Registry
from alsolike.training.dataset import MANIFEST_FILE, DatasetManifest, prefix
from cli import main as command
from operations.client.deployment import Deployment
from tests.builders.bundles import MANIFEST, METRICS, upload_bundle, write_bundle
from tests.unit.cli.shop import DATASET, NAMES

GROUP, BUCKET = NAMES.model_package_group, NAMES.artefact_bucket


class Shop:
    """The deployment `--env shop` with model versions."""

    def __init__(self, deployment: Deployment, directory: Path) -> None:
        self.deployment, self.directory = deployment, directory
        self.s3, self.sagemaker = deployment.client("s3"), deployment.client("sagemaker")
        self.registry = Registry(self.s3, BUCKET)

    def publish(
        self,
        version: str,
        *,
        passed: bool = True,
        items: tuple[str, ...] = ("pear", "plum", "fig"),
        cold: Mapping[str, Any] | None = None,
        registered: bool = True,
    ) -> None:
        folder = self.directory / version
        ndcg = 0.2 + len(items) / 100
        candidates = [{"algorithm": "table", "ndcg": ndcg, "hr": 0.4, "slices": {"new users": {"ndcg": 0.1}}}]
        metrics = {**METRICS, "candidates": candidates, **({} if cold is None else {"cold_start": {"with_": cold}})}
        manifest = dataclasses.replace(MANIFEST, version=version, dataset_id=version, metrics=metrics)
        write_bundle(folder, manifest=manifest, item_ids=items, popular=items[:1])
        upload_bundle(self.s3, BUCKET, folder, version=version)
        if registered:
            self.sagemaker.create_model_package(
                ModelPackageGroupName=GROUP,
                ModelPackageDescription=version,
                ModelApprovalStatus="PendingManualApproval" if passed else "Rejected",
                CustomerMetadataProperties={"version": version, "algorithm": "table", "items": str(len(items))},
            )
        check = Check("ndcg", passed, f"{ndcg:.2f}, the champion has 0.22")
        Decisions(self.s3, BUCKET).keep(Decision(version, 1, "v1", (check,)))
        dataset = dataclasses.replace(DATASET, dataset_id=version, items=len(items))
        self.put_dataset(dataset)

    def put_dataset(self, dataset: DatasetManifest) -> None:
        key = f"{prefix(dataset.dataset_id)}{MANIFEST_FILE}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=dataset.to_json())

    def try_beside(self, version: str) -> None:
        self.registry.start_canary(self.champion, Canary(version, self.champion.version, 0.1, 5, 10, 1_000, "run"))
        look = CanaryLook(6, "going", ("12 answers to 9 users",))
        report = CanaryReport(version, "run", self.champion.version, 0.1, 5, 10, (look,), "by-hand: for spring")
        CanaryReports(self.s3, BUCKET).write(report)

    @property
    def champion(self) -> Champion:
        found = self.registry.champion()
        assert found is not None
        return found

    def decision(self, version: str) -> Decision:
        found = Decisions(self.s3, BUCKET).get(version)
        assert found is not None
        return found

    def approval(self, version: str) -> str:
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
        return next(str(each["ModelApprovalStatus"]) for each in listed if each["ModelPackageDescription"] == version)

    def files(self, version: str) -> int:
        return len(self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"models/{version}/").get("Contents", []))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(
        command.app, ["models", *arguments, "--env", "shop"], catch_exceptions=False, terminal_width=200
    )
    assert result.exit_code == 0, result.stderr
    return result.stdout


def document(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))
