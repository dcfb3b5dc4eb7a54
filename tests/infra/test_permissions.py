"""Rules for all roles and policies.

A function has the permissions of its manifest, and its code must use all of them. `tests/unit/functions` fails if a
function makes a call that its manifest does not grant for this bucket or table and key.
"""

import importlib.util
import json
from pathlib import Path

import pytest
from botocore import xform_name

from alsolike.declarations.manifest import SIGNING_KEYS
from alsolike.declarations.routes import SIGNED_ROUTES
from infra_cdk.constructs.python_function import read_manifest
from tests.infra.assembly import FUNCTIONS, all_statements, flat, granted, listed, statements
from tests.infra.imports import words

OWN_OUTPUT = {"logs:CreateLogStream", "logs:PutLogEvents"}
CALLS = {
    "s3:GetObject": {"get_object", "head_object", "copy_object"},
    "s3:PutObject": {"put_object", "upload_file", "copy_object", "to_parquet"},
    "s3:DeleteObject": {"delete_object", "delete_objects"},
    "s3:AbortMultipartUpload": {"upload_file"},  # An upload is aborted if a part fails.
    "s3:ListBucketVersions": {"list_object_versions"},
    "s3:DeleteObjectVersion": {"delete_objects"},
    # Without this action, S3 returns 403 instead of 404.
    "s3:ListBucket": {"list_objects_v2", "get_object", "head_object"},
    "lambda:InvokeFunction": {"invoke"},
}
"""Client methods that require an action, if the methods and the action have different names."""
OBSERVED = ("s3:", "dynamodb:", "kinesis:", "kms:", "secretsmanager:")
"""Prefixes of services whose calls the unit tests of functions observe.

These tests often replace the clients of other services by fakes.
"""
NAMES_CALLS_OF_OTHERS = {"collect"}
"""Functions that import code with calls of other functions. `collect` imports the descriptions of all routes."""


def calls_of(action):
    return CALLS.get(action, {xform_name(action.partition(":")[2])})


def test_roles_permit_exactly_the_actions_of_the_manifest(assembly):
    offenders = {}
    for name in FUNCTIONS:
        manifest = read_manifest(name)
        access = [*manifest.access, *(manifest.trigger.access if manifest.trigger else ())]
        stated = {action for grant in access if not grant.needs_function for action in grant.actions}
        permitted = {action for action, _ in granted(assembly.role(assembly.function(name)))}
        if different := permitted ^ (stated | OWN_OUTPUT):
            offenders[name] = different

    assert offenders == {}


def test_manifests_grant_no_unused_action():
    offenders = {}
    for name in FUNCTIONS:
        actions = {action for grant in read_manifest(name).access for action in grant.actions}
        called = words(f"functions.{name}.handler")
        if unused := {a for a in actions if not called & calls_of(a)}:
            offenders[name] = unused

    assert offenders == {}


def test_manifests_grant_every_called_action():
    granted_actions = {name: {a for grant in read_manifest(name).access for a in grant.actions} for name in FUNCTIONS}
    actions = {a for some in granted_actions.values() for a in some if not a.startswith(OBSERVED)}
    offenders = {}
    for name in set(FUNCTIONS) - NAMES_CALLS_OF_OTHERS:
        called = words(f"functions.{name}.handler")
        needed = {action for action in actions if called & calls_of(action)}
        if missing := needed - granted_actions[name]:
            offenders[name] = missing

    assert offenders == {}


def test_functions_with_signed_routes_may_read_the_signing_keys():
    functions = {route.function for route in SIGNED_ROUTES.values()}

    assert {name for name in functions if not set(SIGNING_KEYS) <= set(read_manifest(name).access)} == set()


def test_function_may_write_only_its_own_log(assembly):
    for function in map(assembly.function, FUNCTIONS):
        (log,) = [s["Resource"] for s in statements(assembly.role(function)) if "logs:PutLogEvents" in s["Action"]]

        assert flat(log) == f"{flat(function.properties['LoggingConfig']['LogGroup'])}.Arn"


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
