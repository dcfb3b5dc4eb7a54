"""Deployment with a champion, an earlier version, a rejected version and an accepted version."""

import pytest

from tests.unit.cli.command_line import exit_status
from tests.unit.cli.models.versions import GROUP, Shop
from tests.unit.cli.shop import put_parameters


@pytest.fixture
def shop(deployment, tmp_path):
    """Return the shop with the versions v1, v2 (champion), v3 (rejected by the gate) and v4 (accepted)."""
    put_parameters(deployment.client("ssm"), "shop")
    deployment.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    found = Shop(deployment, tmp_path)
    found.publish("v1")
    found.publish("v2", items=("pear", "plum", "kiwi", "lime"))
    found.publish("v3", passed=False)
    found.publish("v4")
    for version in ("v1", "v2"):
        found.registry.promote(version, reason=f"run {version}", now_ms=1)
    return found


@pytest.fixture
def refusal(monkeypatch, capsys):
    def refused(*arguments):
        assert exit_status(monkeypatch, "models", *arguments, "--env", "shop") == 1
        return capsys.readouterr().err

    return refused
