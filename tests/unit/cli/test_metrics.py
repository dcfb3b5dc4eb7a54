"""Lists of metrics by `alsolike metrics`, with their cost."""

from pathlib import Path

import pytest

from infra_cdk.constructs.metrics import namespace
from infra_cdk.settings import Settings
from tests.unit.cli.command_line import run, run_json

ROOT = Path(__file__).parents[3]


def test_metrics_list_cost_grows_with_versions_and_arms():
    few = run_json("metrics")
    more = run_json("metrics", "--versions", "3", "--arms", "4")

    assert few["series"] == sum(each["series"] for each in few["metrics"])
    assert more["series"] - few["series"] == 7 * (1 + 4)  # There are seven rates, each by model version and by arm.
    assert few["usd_a_month"] < few["most_usd_a_month"]
    # Both values are rounded.
    assert more["usd_a_month"] - few["usd_a_month"] == pytest.approx(35 * 0.30 / 24, abs=0.011)


def test_namespace_is_that_of_deployed_functions():
    printed = run_json("metrics")["namespace"]

    assert printed.replace("<environment>", "prod") == namespace(Settings(name="prod", region="eu-west-1"))


def test_documentation_has_the_totals_of_the_list():
    found = run_json("metrics")
    documented = " ".join((ROOT / "docs" / "observability.md").read_text().split())

    assert (
        f"pays about ${found['usd_a_month']:.2f} a month for its {found['series']} series, "
        f"and at most ${found['most_usd_a_month']:.2f} if all rare metrics"
    ) in documented


def test_table_has_the_total_cost():
    answer = run("metrics")

    assert "EventsNotAttributed" in answer.stdout
    assert "namespace Alsolike/<environment>" in answer.stdout.splitlines()
    assert "a month, at most $" in answer.stdout.splitlines()[-1]
