"""Manual promotion of a version, including versions that the gate rejected."""

import pytest
from typer.testing import CliRunner

from alsolike.registry.approvals import Approvals
from alsolike.registry.decision import Check, Decision, decision_key
from alsolike.runtime.errors import Unavailable
from cli import main as command
from tests.unit.cli.models.versions import BUCKET, document, run


def test_promotion_approves_the_package(shop):
    document("promote", "v4", "--reason", "better")

    assert (shop.champion.version, shop.approval("v4")) == ("v4", "Approved")


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

    assert "model version 'v3'" in message
    assert (shop.decision("v3").forced, shop.champion.version) == (None, "v2")


def test_unservable_version_cannot_be_forced(shop, refusal):
    final = Decision("v4", 1, "v2", (Check("graph", False, "it does not run", final=True),))
    shop.s3.put_object(Bucket=BUCKET, Key=decision_key("v4"), Body=final.to_json())

    message = refusal("promote", "v4", "--reason", "it is Christmas", "--force")

    assert "model version 'v4' cannot be served or forced: failed: graph: it does not run" in message
    assert shop.champion.version == "v2"


def test_promotion_without_approval_by_sagemaker_has_a_warning(shop, monkeypatch):
    def throttled(*_, **__):
        raise Unavailable("Rate exceeded")

    monkeypatch.setattr(Approvals, "decide", throttled)

    answer = CliRunner().invoke(command.app, ["models", "promote", "v4", "--reason", "better", "--env", "shop"])

    assert (answer.exit_code, shop.champion.version) == (0, "v4")
    assert "v4 is champion; a rollback brings back v2" in answer.stdout
    assert answer.stderr == (
        "warning: model version 'v4' is champion, but its package in the SageMaker Model Registry could not be "
        "approved: Rate exceeded\n"
    )


def test_promotion_of_the_champion_is_refused(shop, refusal):
    before = shop.champion

    assert "model version 'v2' is champion already" in refusal("promote", "v2", "--reason", "again")
    assert shop.champion == before


def test_promotion_ends_the_canary_of_another_version(shop):
    shop.try_beside("v4")

    run("promote", "v1", "--reason", "safe")

    assert (shop.champion.version, shop.champion.canary) == ("v1", None)
