"""Shop whose versions run as canaries."""

from __future__ import annotations

import dataclasses
import io
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alsolike.bundle import bundle, files
from alsolike.bundle.manifest import Manifest
from alsolike.registry.canary_report import CanaryReport, CanaryReports
from tests.booted.assemblies import QUICK
from tests.booted.training_shop import TrainingShop

USERS = 60
SHOPPERS = [f"user-{number}" for number in range(USERS)]

SETTINGS: Mapping[str, Any] = {
    **QUICK,
    "canary_share_percent": 50,
    "canary_duration_s": 12,
    "canary_interval_s": 1,
    # A shared machine is sometimes slow, and no test of a canary depends on latency.
    "canary_max_latency_percent": 10_000,
}
"""Settings of a shop that runs each canary on half of its users for some seconds."""


class TrialShop(TrainingShop):
    @property
    def serves(self) -> str:
        found = self.champion()
        assert found is not None
        return found.version

    def on_trial(self) -> str | None:
        found = self.champion()
        return found.canary.version if found is not None and found.canary is not None else None

    def answer(self, *, until: Callable[[], bool]) -> Counter[tuple[str, str | None]]:
        """Request recommendations for all shoppers until `until` returns true, at most for 90 seconds.

        Return the number of responses by version and degradation.
        """
        seen: Counter[tuple[str, str | None]] = Counter()
        deadline = time.monotonic() + 90
        while not until() and time.monotonic() < deadline:
            for user in SHOPPERS:
                answer = self.recommend(user)
                assert (answer.status, bool(answer.items)) == (200, True)  # This holds in every state of the canary.
                headers = answer.headers
                seen[headers["x-alsolike-model-version"], headers.get("x-alsolike-degraded")] += 1
        return seen

    def running(self, execution: str) -> bool:
        return bool(self.stepfunctions.describe_execution(executionArn=execution)["status"] == "RUNNING")

    def report(self, version: str) -> CanaryReport:
        found = CanaryReports(self.s3, self.bucket).read(version)
        assert found is not None
        return found

    def copy(self, version: str, directory: Path) -> Path:
        """Download the champion's bundle, and write it as the bundle of another version."""
        folder = directory / version
        folder.mkdir(parents=True)
        for key in self.keys(f"models/{self.serves}/"):
            self.s3.download_file(self.bucket, key, str(folder / key.rpartition("/")[2]))
        manifest = Manifest.from_json((folder / files.MANIFEST_FILE).read_bytes())
        bundle.write_manifest(folder, dataclasses.replace(manifest, version=version))
        return folder

    def upload(self, folder: Path, *, without: str = "") -> None:
        for path in folder.iterdir():
            if path.name != without:
                self.s3.upload_file(str(path), self.bucket, f"models/{folder.name}/{path.name}")

    def register(self, folder: Path) -> dict[str, Any]:
        """Upload a bundle as the output of a training job, and invoke its registration. Return the result."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, path.name)
        key = f"training/alsolike-demo-{folder.name}/output/model.tar.gz"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=archive.getvalue())
        event = {
            "run_id": folder.name,
            "model_data_s3_uri": f"s3://{self.bucket}/{key}",
            "training_job_name": f"alsolike-demo-{folder.name}",
        }
        return self.invoke("RegisterModel", event)
