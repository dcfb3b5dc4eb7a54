"""Dashboards and alarms. All of their metrics must have a writer."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from alsolike.declarations.metrics import Metric
from cli.main import app
from operations.metric_writers import METRICS, Rhythm, declared
from tests.infra.assembly import flat, texts

ROOT = Path(__file__).parents[2]
BOARDS = ("Health", "Engagement", "Models", "Cost")
SEARCH = r"SEARCH\('\{([^}]+)\} MetricName=\"(\w+)\""


def own(assembly):
    return f"Alsolike/{assembly.environment}"


def resources(assembly, resource_type):
    found = [each for each in assembly.of_type(resource_type) if each.stack.endswith("-observability")]
    return {each.logical_id[:-8]: each for each in found}


def widgets(assembly, board):
    body = json.loads(flat(resources(assembly, "AWS::CloudWatch::Dashboard")[board].properties["DashboardBody"]))
    return body["widgets"]


AWS_DIMENSIONS = {
    "AWS/ApiGateway": {"ApiId": "AWS::ApiGatewayV2::Api"},
    "AWS/Billing": {"Currency": ""},  # The metric covers the complete account.
    "AWS/DynamoDB": {"TableName": "AWS::DynamoDB::GlobalTable"},
    "AWS/Kinesis": {"StreamName": "AWS::Kinesis::Stream"},
    "AWS/Lambda": {
        "EventSourceMappingUUID": "AWS::Lambda::EventSourceMapping",
        "FunctionName": "AWS::Lambda::Function",
        "Resource": "AWS::Lambda::Function",
    },
    "AWS/Logs": {"LogGroupName": "AWS::Logs::LogGroup"},
    "AWS/S3": {"BucketName": "AWS::S3::Bucket", "StorageType": ""},
    "AWS/States": {"StateMachineArn": "AWS::StepFunctions::StateMachine"},
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Metric of a dashboard or an alarm. For a search, only the names of dimensions are known."""

    where: str
    namespace: str
    name: str
    dimensions: dict[str, str | None]


def dashboard_metrics(assembly):
    for board in assembly.of_type("AWS::CloudWatch::Dashboard"):
        body = json.loads(flat(board.properties["DashboardBody"]))
        for widget in body["widgets"]:
            where = f"{board.logical_id[:-8]}: {widget['properties'].get('title')}"
            for metric in widget["properties"].get("metrics", []):
                yield from widget_metrics(where, metric)


def widget_metrics(where, metric):
    names = [part for part in metric if isinstance(part, str)]
    if names:
        namespace, name, *rest = names
        dimensions: dict[str, str | None] = dict(zip(rest[::2], rest[1::2], strict=True))
        yield Shown(where, namespace, name, dimensions)
    for part in metric:
        for schema, name in re.findall(SEARCH, part.get("expression", "") if isinstance(part, dict) else ""):
            namespace, *keys = re.findall(r'"([^"]+)"', schema)
            assert schema == ",".join(f'"{part}"' for part in (namespace, *keys)), "names with a slash need quotes"
            yield Shown(where, namespace, name, dict.fromkeys(keys))


def alarm_metrics(assembly):
    for alarm in assembly.of_type("AWS::CloudWatch::Alarm"):
        properties = alarm.properties
        stats = [query["MetricStat"]["Metric"] for query in properties.get("Metrics", ()) if "MetricStat" in query]
        for metric in stats or [properties]:
            dimensions: dict[str, str | None] = {
                each["Name"]: flat(each["Value"]) for each in metric.get("Dimensions", ())
            }
            yield Shown(f"alarm {alarm.logical_id[:-8]}", metric["Namespace"], metric["MetricName"], dimensions)


def test_every_product_metric_is_written_with_its_dimensions(other):
    found = [each for each in (*dashboard_metrics(other), *alarm_metrics(other)) if each.namespace == own(other)]

    assert {each.where.partition(":")[0] for each in found} >= set(BOARDS) - {"Cost"}
    for each in found:
        written = declared(each.name, each.dimensions)
        assert written, f"{each.where} shows {each.name} by {sorted(each.dimensions)}, which nobody writes"
        service = each.dimensions["service"]
        assert service is None or service in {one.service for one in written}, f"{each.where}: {each.name} of {service}"


def test_every_aws_metric_belongs_to_a_resource_of_the_deployment(other):
    found = [each for each in (*dashboard_metrics(other), *alarm_metrics(other)) if each.namespace != own(other)]

    assert {each.namespace for each in found} == set(AWS_DIMENSIONS)
    for each in found:
        types = AWS_DIMENSIONS[each.namespace]
        assert set(each.dimensions) <= set(types), f"{each.where}: {each.name} by {sorted(each.dimensions)}"
        for dimension, value in each.dimensions.items():
            if value is None:  # The dashboard of costs searches for the function of the pages.
                assert (each.where.partition(":")[0], dimension) == ("Cost", "FunctionName")
                continue
            if not types[dimension]:
                continue
            name = value.removesuffix(":live").removeprefix("ExportsOutputRef")
            same_type = {resource.logical_id for resource in other.of_type(types[dimension])}
            assert any(name.startswith(logical_id) for logical_id in same_type), f"{each.where}: {dimension} {value}"


@pytest.mark.parametrize(("name", "created"), [("spare", []), ("demo", ["Health"]), ("other", [*BOARDS])])
def test_dashboard_without_its_setting_has_a_false_condition(name, created, request):
    """The template still contains the dashboard, so that the exports of other stacks remain (`test_new_account.py`)."""
    path = request.getfixturevalue(name).directory / f"alsolike-{name}-observability.template.json"
    template = json.loads(path.read_bytes())

    conditions = {
        logical_id[:-8]: resource.get("Condition")
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Dashboard"
    }
    assert conditions == {board: None if board in created else "Never" for board in BOARDS}
    assert template["Conditions"] == {"Never": {"Fn::Equals": [{"Ref": "AWS::Partition"}, "never"]}}


def test_daily_metrics_have_a_period_of_at_least_one_hour(other):
    daily = {each.metric for each in METRICS if each.rhythm is Rhythm.DAILY}
    for board in BOARDS:
        for widget in widgets(other, board):
            for metric in widget["properties"].get("metrics", []):
                if metric[0] == own(other) and metric[1] in daily:
                    assert metric[-1]["period"] >= 3600


@pytest.mark.parametrize("metric", [Metric.SIGNATURES_REFUSED, Metric.TOMBSTONES_DAMAGED])
def test_alarm_reads_the_metric_series_of_all_functions(metric, demo):
    alarm = resources(demo, "AWS::CloudWatch::Alarm")[metric.value]
    name = f"alarm {alarm.logical_id[:-8]}"
    watched = [each.dimensions["service"] for each in alarm_metrics(demo) if each.where == name]

    assert watched == [each.service for each in METRICS if each.metric == metric]
    assert alarm.properties["Statistic"] == "Sum"


def test_failed_batch_alarms_watch_mappings_with_event_counts(assembly):
    mappings = {
        (each.stack, each.logical_id): each.properties
        for each in assembly.of_type("AWS::Lambda::EventSourceMapping")
        if "DestinationConfig" in each.properties
    }
    watched = {
        (alarm.stack, flat(dimension["Value"]))
        for alarm in assembly.of_type("AWS::CloudWatch::Alarm")
        for query in alarm.properties.get("Metrics", ())
        for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", ())
        if dimension["Name"] == "EventSourceMappingUUID"
    }

    assert watched == mappings.keys()
    assert all(each["MetricsConfig"] == {"Metrics": ["EventCount"]} for each in mappings.values())


def test_alarm_descriptions_start_with_the_environment(assembly):
    for resource_type in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for resource in assembly.of_type(resource_type):
            environment = resource.stack.removeprefix("alsolike-").rpartition("-")[0]
            assert resource.properties["AlarmDescription"].startswith(f"Alsolike {environment}: ")
            assert resource.properties.get("AlarmName", resource.stack).startswith("alsolike")


def runbooks(assembly):
    for resource_type in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for resource in assembly.of_type(resource_type):
            (page,) = re.findall(r"docs/[a-z/-]+\.md", resource.properties["AlarmDescription"])
            yield resource, page


def test_every_alarm_names_a_runbook_that_names_the_alarm(assembly):
    for alarm, page in runbooks(assembly):
        assert page.startswith("docs/runbooks/"), alarm.properties["AlarmDescription"]
        assert f"*{alarm.logical_id[:-8].removeprefix('Monitoring')}*" in (ROOT / page).read_text(), alarm.logical_id


RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))


PROCEDURES = {"degraded", "leaked-key", "lost-data"}
"""Runbooks with other sections."""


@pytest.mark.parametrize("page", [page for page in RUNBOOKS if page.stem not in PROCEDURES], ids=lambda page: page.stem)
def test_runbook_has_check_causes_and_fixes(page):
    headings = [line for line in page.read_text().splitlines() if line.startswith("## ")]

    assert headings[:2] == ["## Check", "## Causes and fixes"]
    assert re.search(r"^\$ alsolike ", page.read_text(), re.MULTILINE)
    assert re.search(r"^\|.* fix \|$", page.read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_commands_of_a_runbook_exist(page):
    commands = re.findall(r"^\$ (alsolike .*?)(?:\s*#.*)?$|`(alsolike [^`]+)`", page.read_text(), re.MULTILINE)

    assert commands
    root: Any = typer.main.get_command(app)
    root.load()
    for words in (shlex.split(shown or inline) for shown, inline in commands):
        command = root
        rest = words[1:]
        while named := getattr(command, "commands", None):
            assert set(rest[:1]) & set(named), " ".join(words)
            command = named[rest.pop(0)]
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} <= options, " ".join(words)


def traced(assembly):
    functions = assembly.of_type("AWS::Lambda::Function")
    machines = assembly.of_type("AWS::StepFunctions::StateMachine")
    return {
        *(each.logical_id for each in functions if each.properties.get("TracingConfig", {}).get("Mode") == "Active"),
        *(each.logical_id for each in machines if each.properties.get("TracingConfiguration", {}).get("Enabled")),
    }


def test_setting_traces_every_function_and_workflow(other):
    every = other.of_type("AWS::Lambda::Function") + other.of_type("AWS::StepFunctions::StateMachine")

    assert traced(other) == {each.logical_id for each in every}


def test_roles_may_not_send_traces_without_tracing(assembly):
    assert traced(assembly) == set()
    for role in assembly.of_type("AWS::IAM::Role"):
        assert not [text for text in texts(role.properties) if text.startswith("xray:")], role.logical_id
