"""`alsolike metrics`."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from cli.main import app


def test_list_adds_up_and_grows_with_versions_and_arms() -> None:
    few = json.loads(CliRunner().invoke(app, ["metrics", "--json"]).stdout)
    more = json.loads(CliRunner().invoke(app, ["metrics", "--json", "--versions", "3", "--arms", "4"]).stdout)

    assert few["series"] == sum(each["series"] for each in few["metrics"])
    assert more["series"] - few["series"] == 7 * (1 + 4)  # seven rates, by version and by arm
    assert few["usd_a_month"] < few["most_usd_a_month"]
    assert round(more["usd_a_month"] - few["usd_a_month"], 2) == round(35 * 0.30 / 24, 2)


def test_table_says_what_all_of_it_costs() -> None:
    answer = CliRunner().invoke(app, ["metrics"])

    assert "EventsNotAttributed" in answer.stdout
    assert "a month, at most $" in answer.stdout.splitlines()[-1]
