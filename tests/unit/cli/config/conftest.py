"""Deployment for all subcommands of `config`, and a file to apply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from operations.client import deployment as deployments
from operations.client.deployment import Deployment
from operations.configuration.configuration_store import ConfigurationStore
from tests.unit.cli.shop import NAMES


@pytest.fixture
def shop(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> ConfigurationStore:
    """Return the configuration store of the deployment that all subcommands use."""
    monkeypatch.setattr(deployments, "resolve", lambda **_: deployment)
    return ConfigurationStore(deployment.client("s3"), NAMES.artefact_bucket)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "shop.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write
