"""Dashboards of Grafana that the command prints."""

import json

import pytest
from typer.testing import CliRunner

from cli.main import app


@pytest.mark.parametrize("kind", ["prometheus", "cloudwatch"])
def test_dashboard_is_printed_as_json(kind: str) -> None:
    printed = CliRunner().invoke(app, ["grafana", kind])

    assert json.loads(printed.stdout)["uid"] == f"alsolike-{kind}"
