"""Rules for all roles and policies, and for roles that belong to no function."""

import importlib.util
import json
from pathlib import Path

import pytest

from tests.infra.assembly import all_statements, flat, granted, listed

GRANTED_ON_ALL = {
    "cloudwatch:DescribeAlarms": "CloudWatch returns composite alarms only to callers that may describe all alarms",
    "ec2:CreateNetworkInterface": "Lambda documents the access to a network on * only",
    "ec2:DeleteNetworkInterface": "Lambda documents the access to a network on * only",
}


@pytest.fixture(scope="module")
def without_resources():
    """Return the IAM actions that accept no resource, from parliament's copy of the service authorization reference."""
    spec = importlib.util.find_spec("parliament")  # parliament cannot be imported without setuptools.
    assert spec.origin is not None
    return {
        f"{service['prefix']}:{action['privilege']}"
        for service in json.loads(Path(spec.origin).with_name("iam_definition.json").read_bytes())
        for action in service["privileges"]
        if {each["resource_type"] for each in action["resource_types"]} == {""}
    }


def test_no_action_has_a_wildcard(assembly):
    actions = {action for _, statement in all_statements(assembly) for action in listed(statement["Action"])}

    assert len(actions) > 40
    assert not {action for action in actions if "*" in action}


@pytest.mark.parametrize("environment", ["demo", "prod", "other"])
def test_only_actions_without_resources_are_granted_on_all(environment, without_resources, request):
    grants = [
        (action, "*" in listed(statement["Resource"]))
        for _, statement in all_statements(request.getfixturevalue(environment))
        for action in listed(statement["Action"])
    ]

    on_all = {action for action, is_on_all in grants if is_on_all}
    narrow = {action for action, is_on_all in grants if not is_on_all}
    assert on_all - without_resources <= GRANTED_ON_ALL.keys()
    assert narrow & without_resources == set()


def test_no_role_has_a_managed_policy(assembly):
    assert not [r for r in assembly.of_type("AWS::IAM::Role") if "ManagedPolicyArns" in r.properties]


def test_separate_policies_exist_only_for_later_resources(assembly):
    """A separate policy gives access to a resource that is created after the role.

    The policies are for the batch workflow's own executions, for `personalize`, for `attribute_outcomes`, which calls
    `recommend`, for `start_training`, and for the training schedule, whose policy the CDK creates.
    """
    policies = [
        (policy.stack.rpartition("-")[2], [s["Action"] for s in policy.properties["PolicyDocument"]["Statement"]])
        for policy in assembly.of_type("AWS::IAM::Policy")
    ]

    assert sorted(policies, key=str) == [
        ("batch", ["states:StartExecution", "states:DescribeExecution"]),
        ("batch", ["states:StartExecution", ["states:DescribeExecution", "states:StopExecution"]]),
        ("serving", ["lambda:InvokeFunction"]),
        ("training", ["states:DescribeExecution"]),
        ("training", ["states:StartExecution"]),
    ]


def test_start_training_may_read_only_its_own_executions(demo):
    (policy,) = [p for p in demo.of_type("AWS::IAM::Policy") if "DescribeExecution" in str(p) and "training" in p.stack]
    (statement,) = policy.properties["PolicyDocument"]["Statement"]

    machine = demo.state_machine("training").logical_id
    assert flat(statement["Resource"]).endswith(f":execution:{machine}.Name:*")
    assert policy.properties["Roles"] == [{"Ref": demo.role(demo.function("start_training")).logical_id}]


def test_training_metrics_are_limited_to_the_sagemaker_namespace(demo):
    (statement,) = [s for _, s in all_statements(demo) if s["Action"] == "cloudwatch:PutMetricData"]

    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}}


def test_only_the_training_role_may_be_passed_and_only_to_sagemaker(demo):
    (statement,) = [s for _, s in all_statements(demo) if s["Action"] == "iam:PassRole"]

    role = demo.referred(statement["Resource"], stack="alsolike-demo-training")
    principal = role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert principal == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_training_job_may_read_inputs_and_write_its_output(demo):
    (role,) = [
        role
        for role in demo.of_type("AWS::IAM::Role")
        if "sagemaker.amazonaws.com" in str(role.properties["AssumeRolePolicyDocument"])
    ]

    objects = {(a, r) for a, r in granted(role) if a in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")}

    assert objects == {
        ("s3:GetObject", "Artefacts/datasets/*"),
        ("s3:GetObject", "Code"),
        ("s3:PutObject", "Artefacts/training/alsolike-demo-*"),
        ("s3:PutObject", "Artefacts/training/*/checkpoints/*"),
        ("s3:GetObject", "Artefacts/training/*/checkpoints/*"),
    }


def test_permissions_boundary_of_the_setting_bounds_every_role(demo, other):
    def boundaries(assembly):
        return {role.properties.get("PermissionsBoundary") for role in assembly.of_type("AWS::IAM::Role")}

    assert boundaries(demo) == {None}
    assert boundaries(other) == {"arn:aws:iam::123456789012:policy/boundary"}
