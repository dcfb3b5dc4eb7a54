"""Names that infrastructure reads from `alsolike.declarations`."""

import ast
import dataclasses
from pathlib import Path

from alsolike.declarations import storage
from alsolike.declarations.parameters import Names, parameter_name
from alsolike.declarations.routes import ROUTES, SCOPES
from infra_cdk.constructs.python_function import settings_fields
from tests.infra.assembly import FUNCTIONS

LIBRARY_VARIABLE = "POWERTOOLS_METRICS_NAMESPACE"
INFRASTRUCTURE = Path(__file__).parents[2] / "infra_cdk"
NAMES = tuple(value for name, value in vars(storage).items() if name.endswith(("_KEY", "_PREFIX")))


def literals(matches):
    return [
        f"{path.name}:{node.lineno}: {node.value}"
        for path in sorted(INFRASTRUCTURE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and matches(node.value)
    ]


def test_infrastructure_contains_no_literal_key_prefix_route_or_scope():
    assert len(NAMES) > 30
    assert literals(lambda text: text.startswith((*NAMES, *ROUTES, *SCOPES))) == []


def test_infrastructure_contains_no_literal_variable_name():
    variables = {field.upper() for name in FUNCTIONS for field in settings_fields(name)} - {LIBRARY_VARIABLE}

    assert len(variables) > 50
    assert literals(variables.__contains__) == []


def test_parameters_contain_every_client_name(assembly):
    names = [parameter.properties["Name"] for parameter in assembly.of_type("AWS::SSM::Parameter")]

    only_with_a_setting = {"api_domain", "kms_key_arn", "other_region"}
    fields = {field.name for field in dataclasses.fields(Names)} - only_with_a_setting
    assert sorted(names) == sorted(parameter_name(assembly.environment, field) for field in fields)
