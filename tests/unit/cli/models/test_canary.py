"""Canary that is started and rolled back manually."""

import json

import pytest

from tests.unit.cli.models.versions import document
from tests.unit.cli.shop import NAMES


@pytest.fixture
def machine(shop, cloud):
    """Return the training workflow, which executes only its first state."""
    cloud.step_functions.executes = True
    states = shop.deployment.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/workflow"
    start = {"Type": "Pass", "Result": {"first": "canary"}, "ResultPath": "$.start", "Next": "End"}
    definition = json.dumps({"StartAt": "Start", "States": {"Start": start, "End": {"Type": "Succeed"}}})
    arn = states.create_state_machine(name="training", definition=definition, roleArn=role)["stateMachineArn"]
    assert arn == NAMES.state_machine_arn
    return states


def test_canary_starts_the_workflow(shop, machine):
    started = document("promote", "v4", "--reason", "let us see", "--canary")

    execution = machine.describe_execution(executionArn=started["execution_arn"])
    assert json.loads(execution["input"]) == {"version": "v4", "reason": "let us see"}
    assert shop.champion.version == "v2"


def test_rejected_version_starts_a_canary_only_by_force(shop, machine, refusal):
    assert "the gate rejected model version 'v3'" in refusal("promote", "v3", "--reason", "x", "--canary")

    document("promote", "v3", "--reason", "it is Christmas", "--canary", "--force")

    assert (shop.decision("v3").forced, shop.champion.version) == ("it is Christmas", "v2")


def test_canary_during_another_run_is_refused(shop, machine, refusal):
    busy = {"first": "busy", "reason": "by-hand; not started, because run r0 is active as execution e0"}
    start = {"Type": "Pass", "Result": busy, "ResultPath": "$.start", "Next": "Busy"}
    definition = {"StartAt": "Start", "States": {"Start": start, "Busy": {"Type": "Succeed"}}}
    machine.update_state_machine(stateMachineArn=NAMES.state_machine_arn, definition=json.dumps(definition))

    assert "run r0 is active as execution e0" in refusal("promote", "v4", "--reason", "x", "--canary")


def test_failed_workflow_start_is_refused_with_its_cause(shop, machine, refusal):
    definition = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "TrainingFailed", "Cause": "why"}}}
    machine.update_state_machine(stateMachineArn=NAMES.state_machine_arn, definition=json.dumps(definition))

    assert "failed: TrainingFailed: why" in refusal("promote", "v4", "--reason", "x", "--canary")


def test_champion_or_version_without_files_cannot_start_a_canary(shop, refusal):
    assert "model version 'v2' is champion already" in refusal("promote", "v2", "--reason", "x", "--canary")
    assert "there is no model version 'v9'" in refusal("promote", "v9", "--reason", "x", "--canary")


def test_rollback_of_the_canary_keeps_the_champion(shop, refusal):
    shop.try_beside("v4")

    result = document("rollback", "--canary", "--reason", "slow")

    assert (result["ended"]["reason"], result["held"]) == ("rolled back by a user: slow", None)
    assert (shop.champion.version, shop.champion.canary) == ("v2", None)
    assert "no canary is running" in refusal("rollback", "--canary")
