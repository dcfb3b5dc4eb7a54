"""Releases of `collect` and `recommend` by CodeDeploy."""

from pathlib import Path

import pytest

from local_cloud.deployer import deploy
from tests.infra.assembly import Assembly, granted
from tests.infra.conftest import Synthesis
from tests.infra.moto_clients import ACCOUNT, REGION, Clients

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def gradual(synthesized: Synthesis) -> Assembly:
    return synthesized("gradual", region="us-east-1", gradual_releases=True)


def policies(assembly: Assembly) -> dict[str, dict[str, object]]:
    """Return the update policies of aliases by function."""
    names = {
        each.logical_id: each.properties["Handler"].split(".")[1] for each in assembly.of_type("AWS::Lambda::Function")
    }
    return {
        names[alias.properties["FunctionName"]["Ref"]]: alias.attributes["UpdatePolicy"]
        for alias in assembly.of_type("AWS::Lambda::Alias")
        if "UpdatePolicy" in alias.attributes
    }


def test_functions_are_released_immediately_by_default(assembly: Assembly) -> None:
    assert policies(assembly) == {}
    assert assembly.of_type("AWS::CodeDeploy::DeploymentGroup") == []


def test_setting_enables_gradual_releases_by_codedeploy(gradual: Assembly) -> None:
    groups = {each.logical_id: each.properties for each in gradual.of_type("AWS::CodeDeploy::DeploymentGroup")}
    application = gradual.only("AWS::CodeDeploy::Application")

    found = policies(gradual)
    assert found.keys() == {"collect", "recommend"}
    for policy in found.values():
        (update,) = policy.values()
        assert isinstance(update, dict)
        assert update["ApplicationName"] == {"Ref": application.logical_id}
        assert update["DeploymentGroupName"]["Ref"] in groups
    assert application.properties["ComputePlatform"] == "Lambda"
    assert {each["DeploymentConfigName"] for each in groups.values()} == {
        "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    }


def test_alarms_on_the_api_roll_a_release_back_in_time(gradual: Assembly) -> None:
    alarms = {
        each.logical_id: each.properties
        for each in gradual.of_type("AWS::CloudWatch::Alarm")
        if each.logical_id.startswith("Release")
    }

    for group in gradual.of_type("AWS::CodeDeploy::DeploymentGroup"):
        rolled_back = group.properties["AlarmConfiguration"]
        assert rolled_back["Enabled"] is True
        assert {each["Name"]["Ref"] for each in rolled_back["Alarms"]} == alarms.keys()
        assert "DEPLOYMENT_STOP_ON_ALARM" in group.properties["AutoRollbackConfiguration"]["Events"]
    for name, alarm in alarms.items():
        periods = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
        assert max(periods) * alarm["EvaluationPeriods"] < 300
        assert f"*{name[:-8]}*" in (ROOT / "docs" / "runbooks" / "errors.md").read_text()


def test_release_role_may_update_only_the_aliases_of_its_functions(gradual: Assembly) -> None:
    (role,) = [
        each
        for each in gradual.of_type("AWS::IAM::Role")
        if "codedeploy.amazonaws.com" in str(each.properties["AssumeRolePolicyDocument"])
    ]
    functions = {f"{gradual.function(name).logical_id}.Arn" for name in ("collect", "recommend")}

    assert {arn for action, arn in granted(role) if action == "lambda:UpdateAlias"} == {
        *functions,
        *(f"{arn}:live" for arn in functions),
    }
    assert "ManagedPolicyArns" not in role.properties


def test_embedded_cloud_accepts_gradual_releases(gradual: Assembly, clients: Clients) -> None:
    deployment = deploy(gradual.directory, clients, region=REGION, account=ACCOUNT)

    (application,) = deployment.of_type("AWS::CodeDeploy::Application")
    groups = clients("codedeploy").list_deployment_groups(applicationName=application.physical_id)["deploymentGroups"]
    assert sorted(groups) == sorted(each.physical_id for each in deployment.of_type("AWS::CodeDeploy::DeploymentGroup"))
