"""Quotas of a new AWS account, simulated on the templates.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html ("New AWS accounts have reduced
concurrency and memory quotas") and the public reports of accounts that were opened in 2025.
"""

import json
import re
from pathlib import Path

import pytest

from tests.infra.assembly import Assembly, flat, templates

MAX_MEMORY_MB = 3_008
MAX_CONCURRENCY = 10
LEFT_FOR_THE_API = 2


def test_no_function_has_more_memory_than_a_new_account_allows(assembly: Assembly) -> None:
    too_large = {
        function.properties["Handler"]: function.properties["MemorySize"]
        for function in assembly.of_type("AWS::Lambda::Function")
        if function.properties["MemorySize"] > MAX_MEMORY_MB
    }

    assert too_large == {}


def test_a_setting_raises_the_memory_of_the_functions_that_read_the_lake(demo: Assembly, other: Assembly) -> None:
    names = ("attribute_outcomes", "build_dataset", "compact_lake", "monitor_models", "purge_user")

    assert {demo.function(name).properties["MemorySize"] for name in names} == {3_008}
    assert {other.function(name).properties["MemorySize"] for name in names} == {4_096}


def test_consumers_and_a_batch_leave_invocations_for_the_api(assembly: Assembly) -> None:
    (stream,) = assembly.of_type("AWS::Kinesis::Stream")
    pollers = sum(
        (stream.properties["ShardCount"] if "Kinesis" in json.dumps(each.properties) else 1)
        * each.properties.get("ParallelizationFactor", 1)
        for each in assembly.of_type("AWS::Lambda::EventSourceMapping")
    )
    states = json.loads(flat(assembly.state_machine("batch").properties["DefinitionString"]))["States"]

    assert pollers == 5
    assert pollers + states["Batches"]["MaxConcurrency"] + LEFT_FOR_THE_API <= MAX_CONCURRENCY


def test_nothing_reserves_concurrency_that_a_new_account_does_not_have(assembly: Assembly) -> None:
    assert not [f for f in assembly.of_type("AWS::Lambda::Function") if "ReservedConcurrentExecutions" in f.properties]
    assert not [a for a in assembly.of_type("AWS::Lambda::Alias") if "ProvisionedConcurrencyConfig" in a.properties]


def test_services_deliver_logs_without_filling_the_resource_policy_of_the_region(assembly: Assembly) -> None:
    destinations = {
        (each.stack, reference)
        for kind, name in (
            ("AWS::StepFunctions::StateMachine", "LoggingConfiguration"),
            ("AWS::ApiGatewayV2::Stage", "AccessLogSettings"),
        )
        for each in assembly.of_type(kind)
        for reference in re.findall(r'"Fn::GetAtt": \["(\w+)", "Arn"\]', json.dumps(each.properties[name]))
    }
    groups = {(each.stack, each.logical_id): each.properties for each in assembly.of_type("AWS::Logs::LogGroup")}

    names = [groups[destination].get("LogGroupName", "") for destination in destinations]

    assert len(names) == 4  # three workflows and the API
    assert all(name.startswith("/aws/vendedlogs/") for name in names)


@pytest.mark.parametrize("name", ["demo", "prod", "spare"])
def test_switches_that_are_off_leave_every_export_in_place(name: str, request: pytest.FixtureRequest) -> None:
    """A stack that is updated before its importers must not lose an export; `spare` has all switches off."""
    base: Assembly = request.getfixturevalue("demo")
    changed: Assembly = request.getfixturevalue(name)

    assert exports(base) - exports(changed) == set()


def exports(assembly: Assembly) -> set[str]:
    """Return the names of all exports, without the environment's name."""
    return {
        output["Export"]["Name"].replace(f"-{assembly.environment}-", "-")
        for _, template in templates(assembly.directory)
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }


def test_dashboards_that_are_off_are_not_created(spare: Assembly) -> None:
    path: Path = spare.directory / "alsolike-spare-observability.template.json"
    template = json.loads(path.read_bytes())
    boards = [each for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Dashboard"]

    assert {each["Condition"] for each in boards} == {"Never"}
    assert template["Conditions"] == {"Never": {"Fn::Equals": ["dashboards", "false"]}}
