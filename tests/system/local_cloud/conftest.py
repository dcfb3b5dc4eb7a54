from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.client import Cloud
from tests.booted.permissions import check_permissions
from tests.system.local_cloud.foreign_cloud import ForeignCloud
from tests.system.local_cloud.synthesis import synthesize

APP = Path(__file__).parent / "foreign_app" / "app.py"


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the synthesized foreign app."""
    directory = tmp_path_factory.mktemp("foreign")
    return synthesize(APP, directory / "cdk.out", directory / "layer")


@pytest.fixture(scope="session")
def cloud(assembly: Path) -> Iterator[ForeignCloud]:
    """Return the one cloud that the tests of this directory share; each uses resources of its own in it."""
    with Cloud.start(assembly) as running:
        yield ForeignCloud(running)
        check_permissions(running, planted=running.output("PowerlessRole").rpartition("/")[2])
