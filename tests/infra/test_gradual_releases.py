"""Releases of `collect` and `recommend` by CodeDeploy, and aliases and versions of all functions."""

from pathlib import Path

from local_cloud.deployer import deploy
from tests.infra.assembly import FUNCTIONS, flat, granted
from tests.infra.moto_clients import ACCOUNT, REGION

ROOT = Path(__file__).parents[2]


def policies(assembly):
    names = {
        each.logical_id: each.properties["Handler"].split(".")[1] for each in assembly.of_type("AWS::Lambda::Function")
    }
    return {
        names[alias.properties["FunctionName"]["Ref"]]: alias.attributes["UpdatePolicy"]
        for alias in assembly.of_type("AWS::Lambda::Alias")
        if "UpdatePolicy" in alias.attributes
    }


def test_setting_enables_gradual_releases_by_codedeploy(audited):
    groups = {each.logical_id: each.properties for each in audited.of_type("AWS::CodeDeploy::DeploymentGroup")}
    application = audited.only("AWS::CodeDeploy::Application")

    found = policies(audited)
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


def test_alarms_on_the_api_roll_a_release_back_in_time(audited):
    alarms = {
        each.logical_id: each.properties
        for each in audited.of_type("AWS::CloudWatch::Alarm")
        if each.logical_id.startswith("Release")
    }

    for group in audited.of_type("AWS::CodeDeploy::DeploymentGroup"):
        rolled_back = group.properties["AlarmConfiguration"]
        assert rolled_back["Enabled"] is True
        assert {each["Name"]["Ref"] for each in rolled_back["Alarms"]} == alarms.keys()
        assert "DEPLOYMENT_STOP_ON_ALARM" in group.properties["AutoRollbackConfiguration"]["Events"]
    for name, alarm in alarms.items():
        periods = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
        assert max(periods) * alarm["EvaluationPeriods"] < 300
        assert f"*{name[:-8]}*" in (ROOT / "docs" / "runbooks" / "errors.md").read_text()


def test_release_role_may_update_only_the_aliases_of_its_functions(audited):
    (role,) = [
        each
        for each in audited.of_type("AWS::IAM::Role")
        if "codedeploy.amazonaws.com" in str(each.properties["AssumeRolePolicyDocument"])
    ]
    functions = {f"{audited.function(name).logical_id}.Arn" for name in ("collect", "recommend")}

    assert {arn for action, arn in granted(role) if action == "lambda:UpdateAlias"} == {
        *functions,
        *(f"{arn}:live" for arn in functions),
    }
    assert "ManagedPolicyArns" not in role.properties


def test_embedded_cloud_accepts_gradual_releases(audited, clients):
    deployment = deploy(audited.directory, clients, region=REGION, account=ACCOUNT)

    (application,) = deployment.of_type("AWS::CodeDeploy::Application")
    groups = clients("codedeploy").list_deployment_groups(applicationName=application.physical_id)["deploymentGroups"]
    assert sorted(groups) == sorted(each.physical_id for each in deployment.of_type("AWS::CodeDeploy::DeploymentGroup"))


def test_live_alias_of_every_function_names_a_published_version(assembly):
    for function in map(assembly.function, FUNCTIONS):
        (alias,) = [alias for alias in aliases(assembly) if belongs_to(alias, function)]
        version = assembly.referred(alias.properties["FunctionVersion"], stack=alias.stack)

        assert (alias.properties["Name"], version.type) == ("live", "AWS::Lambda::Version"), function.logical_id
        assert belongs_to(version, function), function.logical_id


def test_callers_of_a_function_use_its_alias(assembly):
    permitted = [permission.properties["FunctionName"] for permission in assembly.of_type("AWS::Lambda::Permission")]
    calls = [
        *permitted,
        *(mapping.properties["FunctionName"] for mapping in assembly.of_type("AWS::Lambda::EventSourceMapping")),
        *(i.properties["IntegrationUri"] for i in assembly.of_type("AWS::ApiGatewayV2::Integration")),
    ]

    def is_live(call):
        if isinstance(call, dict) and call.keys() <= {"Ref", "Fn::ImportValue"}:
            stack = assembly.only("AWS::ApiGatewayV2::Api").stack
            own = [alias.logical_id for alias in aliases(assembly)]
            return call.get("Ref") in own or assembly.referred(call, stack=stack).logical_id in own
        return flat(call) == "selected:live"

    # Each integration has at least one permission.
    assert len(permitted) > len(assembly.of_type("AWS::ApiGatewayV2::Integration")) > 0
    assert all(map(is_live, calls))


def aliases(assembly):
    return assembly.of_type("AWS::Lambda::Alias")


def belongs_to(resource, function):
    return resource.stack == function.stack and resource.properties["FunctionName"] == {"Ref": function.logical_id}


def test_replaced_versions_are_deleted(assembly):
    """SnapStart is billed for each published version until its deletion."""
    kept = {version.attributes.get("DeletionPolicy", "Delete") for version in assembly.of_type("AWS::Lambda::Version")}

    assert kept == {"Delete"}
