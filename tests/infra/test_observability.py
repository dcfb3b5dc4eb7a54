"""What an operator sees and is called for: every metric is one that somebody writes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from alsolike.observability import Metric
from tests.infra.assembly import FUNCTIONS, Assembly, Resource, flat

ROOT = Path(__file__).parents[2]
BOARDS = ("Health", "Engagement", "Models")


def resources(assembly: Assembly, resource_type: str) -> dict[str, Resource]:
    found = [each for each in assembly.of_type(resource_type) if each.stack.endswith("-observability")]
    return {each.logical_id[:-8]: each for each in found}


def widgets(assembly: Assembly, board: str) -> list[dict[str, Any]]:
    body = json.loads(flat(resources(assembly, "AWS::CloudWatch::Dashboard")[board].properties["DashboardBody"]))
    found: list[dict[str, Any]] = body["widgets"]
    return found


def shown(assembly: Assembly, board: str) -> list[tuple[str, dict[str, str]]]:
    """Return every metric of ours on a dashboard, with its dimensions."""
    found = []
    for widget in widgets(assembly, board):
        for metric in widget["properties"].get("metrics", []):
            names = [part for part in metric if isinstance(part, str)]
            if names[:1] == ["Alsolike"]:
                found.append((names[1], dict(zip(names[2::2], names[3::2], strict=True))))
            for part in metric:
                if isinstance(part, dict) and "SEARCH" in part.get("expression", ""):
                    (name,) = re.findall(r'MetricName="(\w+)"', part["expression"])
                    found.append((name, {"service": "attribute_outcomes"}))
    return found


@pytest.mark.parametrize("board", BOARDS)
def test_every_metric_on_a_dashboard_is_written_by_its_function(demo: Assembly, board: str) -> None:
    metrics = shown(demo, board)

    assert metrics
    for name, dimensions in metrics:
        member = Metric(name).name
        assert dimensions["service"] in FUNCTIONS
        function = "".join(path.read_text() for path in (ROOT / "functions" / dimensions["service"]).rglob("*.py"))
        written = f"Metric.{member}" in function or name in function
        assert written, f"{name} is shown of {dimensions['service']}, which does not write it"


def test_dashboards_are_named_after_the_environment(prod: Assembly) -> None:
    boards = resources(prod, "AWS::CloudWatch::Dashboard").values()

    assert {each.properties["DashboardName"] for each in boards} == {
        f"alsolike-prod-{board.lower()}" for board in BOARDS
    }


def test_every_function_has_its_errors_and_throttles_on_the_health_dashboard(demo: Assembly) -> None:
    by_title = {widget["properties"].get("title"): widget["properties"] for widget in widgets(demo, "Health")}

    for title in ("Errors by function", "Throttles by function"):
        labels = {metric[-1]["label"] for metric in by_title[title]["metrics"]}
        assert labels == set(FUNCTIONS)


def test_what_shops_see_is_one_alarm_on_top_of_three(demo: Assembly) -> None:
    alarms = resources(demo, "AWS::CloudWatch::Alarm")
    composite = resources(demo, "AWS::CloudWatch::CompositeAlarm")

    rule = flat(composite["ShopSeesErrors"].properties["AlarmRule"])
    for name in ("ApiErrors", "ApiSlow", "Degraded"):
        assert f'ALARM("{alarms[name].logical_id}' in rule
    for each in composite.values():
        assert each.properties["AlarmActions"] == each.properties["OKActions"] != []


def test_few_requests_alarm_nobody_by_their_share(demo: Assembly) -> None:
    (share, *_) = resources(demo, "AWS::CloudWatch::Alarm")["ApiErrors"].properties["Metrics"]

    assert share["Expression"] == "IF(FILL(whole, 0) >= 20, 100 * FILL(part, 0) / whole, 0)"


def test_every_alarm_of_every_stack_names_a_page_that_is_there(assembly: Assembly) -> None:
    for resource_type in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for resource in assembly.of_type(resource_type):
            description = resource.properties["AlarmDescription"]
            (page,) = re.findall(r"docs/[a-z/-]+\.md", description)
            assert (ROOT / page).is_file(), description
