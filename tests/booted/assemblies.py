"""Cloud assemblies, cached by the content of their inputs for all suites and workers."""

from __future__ import annotations

import contextlib
import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra_cdk.assembly import inputs_digest
from operations import embedded_cloud

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "test-assemblies"
KEPT = 12
"""Maximum number of cached assemblies. The least recently used assemblies are deleted first."""

PATIENT: Mapping[str, Any] = {"time_budget_ms": 10_000}
"""Settings of a shop whose responses are not degraded on a slow machine."""

QUICK: Mapping[str, Any] = {**PATIENT, "training_algorithms": ["item_knn", "popularity"]}
"""The settings `PATIENT` with algorithms that train in seconds."""

_TIMEOUT_S = 1_200


def synthesized(environment: str = "demo", **settings: Any) -> Path:
    """Return the assembly of an environment of `cdk.json` with changed settings."""
    build_layers()
    inputs = inputs_digest(environment=environment, layers=embedded_cloud.LAYERS, overrides=settings)
    options = [
        "--environment",
        environment,
        "--cache",
        str(CACHE),
        "--keep",
        str(KEPT),
        "--settings",
        json.dumps(settings),
    ]
    with _locked(inputs[:24]):
        done = subprocess.run(
            [sys.executable, "-m", "infra_cdk.assembly", *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
    return Path(done.stdout.strip())


def build_layers() -> None:
    with _locked("layers"):
        embedded_cloud.build_layers()


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
