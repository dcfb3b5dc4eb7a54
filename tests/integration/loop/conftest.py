"""The product on the embedded cloud: layers built, template synthesized, deployed, reached as a shop reaches it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.client import Cloud
from tests.integration.loop.shop import Shop

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthesized app, as `alsolike up` makes it."""
    work = tmp_path_factory.mktemp("assembly")
    directory, layers = work / "cdk.out", work / "layers"
    for command in (
        ["layers.build", "all", "--architecture", "arm64", "--output", str(layers), "--no-smoke-test"],
        ["infra_cdk.app", "--environment", "demo", "--outdir", str(directory), "--layers", str(layers)],
    ):
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True, capture_output=True, timeout=180)
    return directory


@pytest.fixture(scope="module")
def shop(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with nothing in it yet."""
    state = tmp_path_factory.mktemp("state") / "cloud.json"
    with Cloud.start(assembly, state=state) as cloud:
        yield Shop(cloud, state)
