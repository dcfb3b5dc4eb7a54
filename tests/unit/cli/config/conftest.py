"""Deployment for all subcommands of `config`, and a file to apply."""

import pytest

from operations.configuration.configuration_versions import ConfigurationStore
from tests.unit.cli.shop import NAMES


@pytest.fixture
def shop(deployment, select):
    return ConfigurationStore(select(deployment).client("s3"), NAMES.artefact_bucket)


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "shop.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write
