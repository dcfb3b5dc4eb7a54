"""Traces: of every function and workflow, or of none and without the permission to send them."""

from pathlib import Path

import pytest

from infra_cdk.app import create_app, read_context
from tests.infra.assembly import Assembly, texts


@pytest.fixture(scope="module")
def untraced(layers: Path, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    outdir = tmp_path_factory.mktemp("untraced")
    context = {**read_context(), "environments": {"dev": {"region": "us-east-1", "tracing": False}}}
    create_app(context, environment="dev", outdir=outdir, layers=layers, check_templates=False).synth()
    return Assembly.read(outdir)


def traced(assembly: Assembly) -> set[str]:
    """Return the functions and workflows that send traces."""
    functions = assembly.of_type("AWS::Lambda::Function")
    machines = assembly.of_type("AWS::StepFunctions::StateMachine")
    return {
        *(each.logical_id for each in functions if each.properties.get("TracingConfig", {}).get("Mode") == "Active"),
        *(each.logical_id for each in machines if each.properties.get("TracingConfiguration", {}).get("Enabled")),
    }


def test_every_function_and_workflow_is_traced(assembly: Assembly) -> None:
    every = assembly.of_type("AWS::Lambda::Function") + assembly.of_type("AWS::StepFunctions::StateMachine")

    assert traced(assembly) == {each.logical_id for each in every}


def test_without_tracing_nobody_may_send_traces(untraced: Assembly) -> None:
    assert traced(untraced) == set()
    for role in untraced.of_type("AWS::IAM::Role"):
        assert not [text for text in texts(role.properties) if text.startswith("xray:")], role.logical_id
