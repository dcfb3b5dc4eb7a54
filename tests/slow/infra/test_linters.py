"""Public linters of templates, policies and state machines, and botocore's models of the calls in workflows."""

import importlib.resources
import json
import sys
from types import ModuleType

import pytest
import regex
from botocore.session import get_session
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from infra_cdk.constructs.network import FUNCTION_ACTIONS, GLUE_ACTIONS, TRAINING_ACTIONS
from local_cloud.deployer import deploy
from tests.infra.assembly import synthesize
from tests.infra.moto_clients import ACCOUNT, REGION, moto_clients
from tests.infra.other_settings import PRIVATE, PROTECTED

ALLOWED_CFN = {
    "W3005": "the CDK writes dependencies that a reference also states",
}
ALLOWED_IAM = {
    "cloudwatch:DescribeAlarms": "CloudWatch lists composite alarms only for *",
    "dynamodb:DescribeStream": "the time in a stream's name has colons, which the linter takes for parts of the ARN",
    "dynamodb:GetRecords": "as dynamodb:DescribeStream",
    "dynamodb:GetShardIterator": "as dynamodb:DescribeStream",
    **dict.fromkeys(
        (*FUNCTION_ACTIONS, *TRAINING_ACTIONS, *GLUE_ACTIONS), "AWS documents the access to a network on * only"
    ),
    "states:DescribeExecution": "the workflow is of the standard type; the linter also expects express executions",
    "states:ListExecutions": "the workflow has no map runs, which the linter also expects",
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(("prod", None), marks=pytest.mark.ci), ("protected", PROTECTED), ("private", PRIVATE)],
    ids=lambda param: param[0],
)
def prod(layers, tmp_path_factory, request):
    name, settings = request.param
    return synthesize(name, layers=layers, outdir=tmp_path_factory.mktemp(name), settings=settings)


@pytest.fixture(scope="module")
def deployment(prod):
    with moto_clients() as clients:
        return deploy(prod.directory, clients, region=REGION, account=ACCOUNT)


@pytest.fixture(scope="module")
def parliament():
    """Yield the policy linter.

    The linter needs one function of `pkg_resources`, which setuptools no longer contains.
    """
    resources = ModuleType("pkg_resources")
    vars(resources)["resource_filename"] = lambda package, name: str(importlib.resources.files(package) / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pkg_resources", resources)
        yield importlib.import_module("parliament")


def test_cloudformation_accepts_the_templates(prod):
    args = ManualArgs(regions=[REGION], ignore_checks=list(ALLOWED_CFN))

    found = [
        f"{path.name}: {match.rule.id} {match.message}"
        for path in sorted(prod.directory.glob("*.template.json"))
        for match in lint_file(path, config=args)
    ]

    assert found == []


def test_iam_accepts_the_policies(deployment, parliament):
    policies = [
        (f"{role.stack}: {role.logical_id}", policy["PolicyDocument"])
        for role in deployment.of_type("AWS::IAM::Role")
        for policy in role.properties.get("Policies", [])
    ]

    found = [
        f"{name}: {finding}"
        for name, document in policies
        for finding in parliament.analyze_policy_string(json.dumps(document)).findings
        if not actions(finding.detail) <= ALLOWED_IAM.keys()
    ]

    assert len(policies) > 20
    assert found == []


def test_step_functions_accepts_the_state_machines(deployment):
    definitions = list(machines(deployment))

    assert len(definitions) == len(deployment.of_type("AWS::StepFunctions::StateMachine")) >= 4
    for definition in definitions:
        # The linter requires floats such as 2.0 in place of 2, but JSON has only numbers.
        assert list(Linter.validate(json.dumps(definition), Config({ProblemType.FLOAT}))) == []


def test_services_accept_the_calls_of_the_workflows(deployment):
    found = [
        f"{name}: {problem}"
        for definition in machines(deployment)
        for name, service, operation, parameters in calls(definition)
        for problem in problems(service, operation, parameters)
    ]

    assert found == []


@pytest.mark.ci
def test_wrong_parameters_of_a_workflow_call_are_found():
    parameters = {
        "TrainingJobName": "a name with spaces",
        "AlgorithmSpecification": {"TrainingInputMode": "Fast", "Images": "x"},
        "OutputDataConfig": {"S3OutputPath.$": "$.path"},
        "ResourceConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 0},
    }

    assert problems("sagemaker", "CreateTrainingJob", parameters) == [
        "RoleArn is missing",
        "TrainingJobName is 'a name with spaces', expected a match of [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        "AlgorithmSpecification.TrainingInputMode is 'Fast', expected one of ['Pipe', 'File', 'FastFile']",
        "AlgorithmSpecification.Images is unknown",
        "StoppingCondition.MaxRuntimeInSeconds is 0, expected at least 1",
    ]


def actions(detail):
    if not isinstance(detail, list):
        return {repr(detail)}
    return {each["action"] if isinstance(each, dict) else each for each in detail}


def machines(deployment):
    for machine in deployment.of_type("AWS::StepFunctions::StateMachine"):
        yield json.loads(machine.properties["DefinitionString"])


def calls(definition):
    for name, state in definition["States"].items():
        if state["Type"] == "Map":
            yield from calls(state["ItemProcessor"])
        elif state["Type"] == "Task":
            *_, service, operation = state["Resource"].removesuffix(".sync").split(":")
            yield name, service, operation[0].upper() + operation[1:], state["Parameters"]


def problems(service, operation, parameters):
    model = get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    return list(_problems(shape, parameters, ""))


def _problems(shape, value, place):
    if shape.type_name == "structure":
        members = {name.lower(): (name, member) for name, member in shape.members.items()}
        given = {key.removesuffix(".$").lower() for key in value}
        yield from (f"{place}{name} is missing" for name in shape.required_members if name.lower() not in given)
        for key, inner in value.items():
            name, member = members.get(key.removesuffix(".$").lower(), (key, None))
            if member is None:
                yield f"{place}{key} is unknown"
            elif not key.endswith(".$") and member.type_name != "blob":
                yield from _problems(member, inner, f"{place}{name}" + ("." if member.type_name == "structure" else ""))
    elif shape.type_name == "list":
        for item in value:
            yield from _problems(shape.member, item, place)
    elif shape.type_name == "string" and isinstance(value, str):
        yield from _text_problems(shape, value, place.rstrip("."))
    elif shape.type_name in ("integer", "long") and value < shape.metadata.get("min", value):
        yield f"{place} is {value}, expected at least {shape.metadata['min']}"


def _text_problems(shape, value, place):
    if (choices := shape.metadata.get("enum")) and value not in choices:
        yield f"{place} is {value!r}, expected one of {choices}"
    if (pattern := shape.metadata.get("pattern")) and not _matches(pattern, value):
        yield f"{place} is {value!r}, expected a match of {pattern}"
    minimum, maximum = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if not minimum <= len(value) <= maximum:
        yield f"{place} has {len(value)} characters, expected {minimum} to {maximum}"


def _matches(pattern, value):
    """Return whether a value matches. Patterns that only Java can parse match every value."""
    try:
        return regex.fullmatch(pattern, value) is not None
    except regex.error:
        return True
