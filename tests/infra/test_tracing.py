"""Traces of functions and workflows, and the permission to send them."""

from tests.infra.assembly import Assembly, texts


def traced(assembly: Assembly) -> set[str]:
    """Return the functions and workflows that send traces."""
    functions = assembly.of_type("AWS::Lambda::Function")
    machines = assembly.of_type("AWS::StepFunctions::StateMachine")
    return {
        *(each.logical_id for each in functions if each.properties.get("TracingConfig", {}).get("Mode") == "Active"),
        *(each.logical_id for each in machines if each.properties.get("TracingConfiguration", {}).get("Enabled")),
    }


def test_setting_traces_every_function_and_workflow(other: Assembly) -> None:
    every = other.of_type("AWS::Lambda::Function") + other.of_type("AWS::StepFunctions::StateMachine")

    assert traced(other) == {each.logical_id for each in every}


def test_roles_may_not_send_traces_without_tracing(assembly: Assembly) -> None:
    assert traced(assembly) == set()
    for role in assembly.of_type("AWS::IAM::Role"):
        assert not [text for text in texts(role.properties) if text.startswith("xray:")], role.logical_id
