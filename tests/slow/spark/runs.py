"""Datasets and Glue runs of a shop on the embedded cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.booted.training_shop import TrainingShop


def download(shop: TrainingShop, s3_uri: str, directory: Path) -> Path:
    prefix = s3_uri.removeprefix(f"s3://{shop.bucket}/")
    for key in shop.keys(prefix):
        path = directory / key.removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        shop.s3.download_file(shop.bucket, key, str(path))
    return directory


def runs(shop: TrainingShop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.cloud.client("glue").get_job_runs(JobName="alsolike-demo-build-dataset")[
        "JobRuns"
    ]
    return found
