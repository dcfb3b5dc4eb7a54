"""A deployment that every verb finds, and a file to apply to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from alsolike.configuration_store import ConfigurationStore
from cli import deployment as deployments
from cli.deployment import Deployment
from tests.fakes.places import create_bucket
from tests.unit.cli.shop import NAMES


@pytest.fixture
def shop(clients: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[ConfigurationStore]:
    """The configuration of the deployment that every verb finds."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        bucket = NAMES.artefact_bucket
        create_bucket(clients("s3"), bucket)
        deployment = Deployment("shop", NAMES, clients, lambda scope: f"token of {scope}", is_local=False)
        monkeypatch.setattr(deployments, "resolve", lambda **_: deployment)
        yield ConfigurationStore(clients("s3"), bucket)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "shop.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write
