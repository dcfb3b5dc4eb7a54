"""Deployment with model versions, and runner of `alsolike models`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alsolike.registry.decision import Check, Decision
from alsolike.training.dataset import MANIFEST_FILE, DatasetManifest, prefix
from operations.client.deployment import Deployment
from tests.builders.bundles import MANIFEST, METRICS
from tests.builders.world import World
from tests.unit.cli import command_line
from tests.unit.cli.shop import DATASET, NAMES

GROUP, BUCKET = NAMES.model_package_group, NAMES.artefact_bucket


class Shop(World):
    def __init__(self, deployment: Deployment, directory: Path) -> None:
        super().__init__(deployment.client, BUCKET, directory)
        self.deployment = deployment

    def publish(
        self,
        version: str,
        *,
        passed: bool = True,
        items: tuple[str, ...] = ("pear", "plum", "fig"),
        cold: Mapping[str, Any] | None = None,
        registered: bool = True,
    ) -> None:
        ndcg = 0.2 + len(items) / 100
        candidates = [{"algorithm": "table", "ndcg": ndcg, "hr": 0.4, "fit_s": 1.0}]
        related = {"similar": {"asked": 5_000, "hr": 0.31, "popular_hr": 0.02}}
        metrics = {**METRICS, "candidates": candidates, "related": related}
        if cold is not None:
            metrics["cold_start"] = {"with_": cold}
        manifest = dataclasses.replace(MANIFEST, dataset_id=version, metrics=metrics)
        self.upload(version, manifest=manifest, item_ids=items, popular=items[:1])
        if registered:
            figures = {"items": str(len(items)), "table.ndcg": f"{ndcg:.2f}"}
            self.add_package(version, approved=passed, algorithm="table", **figures)
        self.decide(version, Check("ndcg", passed, f"{ndcg:.2f}, the champion has 0.22"), champion="v1")
        dataset = dataclasses.replace(DATASET, dataset_id=version, items=len(items))
        self.put_dataset(dataset)

    def put_dataset(self, dataset: DatasetManifest) -> None:
        self.put(f"{prefix(dataset.dataset_id)}{MANIFEST_FILE}", dataset.to_json())

    def decision(self, version: str) -> Decision:
        found = self.decisions.get(version)
        assert found is not None
        return found


def run(*arguments):
    return command_line.run("models", *arguments, "--env", "shop", terminal_width=200, exit_code=0).stdout


def document(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))
