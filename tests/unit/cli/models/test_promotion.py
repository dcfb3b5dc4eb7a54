"""Manual promotion of a version, including versions that the gate rejected."""

import json

import pytest

from alsolike.registry.approvals import Approvals
from alsolike.runtime.errors import Unavailable
from tests.unit.cli import command_line
from tests.unit.cli.models.versions import document, run
from tests.unit.cli.shop import NAMES


def test_rejected_version_is_promoted_only_by_force_with_its_reason(shop, refusal):
    message = refusal("promote", "v3", "--reason", "it is Christmas")

    assert "the gate rejected model version 'v3' (failed: ndcg: 0.23, the champion has 0.22); --force" in message
    assert shop.champion.version == "v2"

    document("promote", "v3", "--reason", "it is Christmas", "--force")

    assert (shop.champion.version, shop.approval("v3")) == ("v3", "Approved")
    details = document("show", "v3")
    assert (details["decision"]["forced"], details["decision"]["verdict"]) == ("it is Christmas", "rejected")
    shown = run("show", "v3")
    assert "gate       rejected" in shown
    assert "forced     it is Christmas" in shown
    assert ": it is Christmas (forced)" in shown


@pytest.mark.parametrize("canary", [[], ["--canary"]])
def test_each_promotion_of_a_rejected_version_requires_force(shop, refusal, canary):
    run("promote", "v3", "--reason", "it is Christmas", "--force")
    run("rollback", "--reason", "it is over")

    message = refusal("promote", "v3", "--reason", "again", *canary)

    assert "the gate rejected model version 'v3'" in message
    assert shop.champion.version == "v2"
    assert shop.champion.held is not None
    assert "rejected, forced" in run("list")


def test_forced_champion_stays_forced_after_a_rollback_to_it(shop):
    run("promote", "v3", "--reason", "it is Christmas", "--force")
    assert shop.champion.is_forced
    run("promote", "v4", "--reason", "better")
    assert not shop.champion.is_forced

    run("rollback")

    assert (shop.champion.version, shop.champion.is_forced) == ("v3", True)


@pytest.mark.parametrize("canary", [[], ["--canary"]])
def test_failed_promotion_is_not_recorded_as_forced(shop, refusal, canary):
    run("retire", "v3")

    message = refusal("promote", "v3", "--reason", "it is Christmas", "--force", *canary)

    assert "model version 'v3' no longer has a bundle" in message
    assert (shop.decision("v3").forced, shop.champion.version) == (None, "v2")


def test_promotion_without_approval_by_sagemaker_has_a_warning(shop, monkeypatch):
    def throttled(*_, **__):
        raise Unavailable("Rate exceeded")

    monkeypatch.setattr(Approvals, "decide", throttled)

    answer = command_line.run("models", "promote", "v4", "--reason", "better", "--env", "shop")

    assert (answer.exit_code, shop.champion.version) == (0, "v4")
    assert "v4 is champion; a rollback brings back v2" in answer.stdout
    assert answer.stderr == (
        "warning: model version 'v4' is champion, but its package in the SageMaker Model Registry could not be "
        "approved: Rate exceeded\n"
    )


def test_rollback_pauses_promotions_until_resume(shop, refusal):
    result = document("rollback", "--reason", "it sells socks only")

    assert (result["version"], result["held"]["reason"]) == ("v1", "it sells socks only")
    message = "it sells socks only; `alsolike models resume` ends the pause"
    assert message in run("list")
    assert "v1 is champion" in run("resume")
    assert shop.champion.held is None
    assert message not in run("list")
    assert "promotions are not paused" in refusal("resume")


@pytest.mark.parametrize(
    ("option", "champion", "reason"),
    [
        ("--canary", "v2", "rolled back by a user: worse"),
        ("--champion", "v1", "v2 was rolled back during the canary: worse"),
    ],
)
def test_rollback_during_a_canary_must_name_canary_or_champion(shop, refusal, option, champion, reason):
    shop.try_beside("v4")
    message = refusal("rollback", "--reason", "worse")
    assert "model version 'v4' is the canary: `alsolike models rollback --canary` ends it, and 'v2'" in message
    assert "`alsolike models rollback --champion` ends it and rolls 'v2' back as well" in message
    assert "expected one of them" in refusal("rollback", "--canary", "--champion")

    result = document("rollback", option, "--reason", "worse")

    assert (result["version"], result["canary"], result["ended"]["reason"]) == (champion, None, reason)


@pytest.mark.parametrize("call", ["rollback --champion", "rollback --canary", "promote v4", "promote v4 --canary"])
def test_blank_or_long_reason_is_refused(shop, refusal, call):
    shop.try_beside("v4")
    before = shop.champion

    assert "the reason is '  ', expected a text for the history" in refusal(*call.split(), "--reason", "  ")
    assert "the reason has 501 characters, expected at most 500" in refusal(*call.split(), "--reason", "x" * 501)

    assert shop.champion == before


@pytest.fixture
def machine(shop, cloud):
    """Create a training workflow of two simple states, and return the client of Step Functions."""
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


def test_rejected_version_starts_a_canary_by_force(shop, machine):
    document("promote", "v3", "--reason", "it is Christmas", "--canary", "--force")

    assert (shop.decision("v3").forced, shop.champion.version) == ("it is Christmas", "v2")


def test_failed_workflow_start_is_refused_with_its_cause(shop, machine, refusal):
    definition = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "TrainingFailed", "Cause": "why"}}}
    machine.update_state_machine(stateMachineArn=NAMES.state_machine_arn, definition=json.dumps(definition))

    assert "failed: TrainingFailed: why" in refusal("promote", "v4", "--reason", "x", "--canary")


def test_champion_or_unknown_version_gets_no_canary(shop, refusal):
    before = shop.champion

    assert "model version 'v2' is champion already" in refusal("promote", "v2", "--reason", "x", "--canary")
    assert "there is no model version 'v9'" in refusal("promote", "v9", "--reason", "x", "--canary")
    assert shop.champion == before
