"""`alsolike models` on a registry with a champion, earlier versions, one that the gate rejected and one on trial."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from alsolike.approvals import Approvals
from alsolike.canary import Canary
from alsolike.canary_report import CanaryLook, CanaryReport, CanaryReports
from alsolike.configuration_store import ConfigurationStore
from alsolike.dataset import MANIFEST_FILE, DatasetManifest, prefix
from alsolike.decision import Check, Decision, Decisions, decision_key
from alsolike.errors import Unavailable
from alsolike.registry import Champion, Registry
from cli import main as command
from cli import model_versions
from cli.deployment import Deployment
from local_cloud.moto_changes.jobs import keep_package_properties
from tests.unit.cli.shop import DATASET, NAMES, REGION, put_parameters
from tests.unit.functions.bundles import MANIFEST, METRICS, upload_bundle, write_bundle

GROUP, BUCKET = NAMES.model_package_group, NAMES.artefact_bucket


class Shop:
    """The deployment `--stack shop` with model versions."""

    def __init__(self, deployment: Deployment, directory: Path) -> None:
        self.deployment, self.directory = deployment, directory
        self.s3, self.sagemaker = deployment.client("s3"), deployment.client("sagemaker")
        self.registry = Registry(self.s3, BUCKET)

    def publish(self, version: str, *, passed: bool = True, items: tuple[str, ...] = ("pear", "plum", "fig")) -> None:
        folder = self.directory / version
        ndcg = 0.2 + len(items) / 100
        candidates = [{"algorithm": "table", "ndcg": ndcg, "hr": 0.4, "slices": {"new users": {"ndcg": 0.1}}}]
        manifest = dataclasses.replace(
            MANIFEST, version=version, dataset_id=version, metrics={**METRICS, "candidates": candidates}
        )
        write_bundle(folder, manifest=manifest, item_ids=items, popular=items[:1])
        upload_bundle(self.s3, BUCKET, folder, version=version)
        self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelPackageDescription=version,
            ModelApprovalStatus="PendingManualApproval" if passed else "Rejected",
            CustomerMetadataProperties={"version": version, "algorithm": "table", "items": str(len(items))},
        )
        check = Check("ndcg", passed, f"{ndcg:.2f}, the champion has 0.22")
        Decisions(self.s3, BUCKET).keep(Decision(version, 1, "v1", (check,)))
        dataset = dataclasses.replace(DATASET, dataset_id=version, items=len(items))
        self.put_dataset(dataset)

    def put_dataset(self, dataset: DatasetManifest) -> None:
        key = f"{prefix(dataset.dataset_id)}{MANIFEST_FILE}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=dataset.to_json())

    def try_beside(self, version: str) -> None:
        self.registry.start_canary(self.champion, Canary(version, self.champion.version, 0.1, 5, 10, 1_000, "run"))
        look = CanaryLook(6, "going", ("12 answers to 9 users",))
        report = CanaryReport(version, "run", self.champion.version, 0.1, 5, 10, (look,), "by-hand: for spring")
        CanaryReports(self.s3, BUCKET).write(report)

    @property
    def champion(self) -> Champion:
        found = self.registry.champion()
        assert found is not None
        return found

    def decision(self, version: str) -> Decision:
        found = Decisions(self.s3, BUCKET).get(version)
        assert found is not None
        return found

    def approval(self, version: str) -> str:
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
        return next(str(each["ModelApprovalStatus"]) for each in listed if each["ModelPackageDescription"] == version)

    def files(self, version: str) -> int:
        return len(self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"models/{version}/").get("Contents", []))


@pytest.fixture(scope="module")
def clients() -> Callable[[str], Any]:
    """One client a service for all tests: reading a service's description takes longer than most of them."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
    return functools.cache(session.client)


@pytest.fixture
def client(clients: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    keep_package_properties()
    monkeypatch.setattr("cli.deployment.session_clients", lambda: clients)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield clients


@pytest.fixture
def shop(deployment: Deployment, tmp_path: Path) -> Shop:
    """Version v1, then v2 champion; v3, which the gate rejected; v4, which passed it."""
    put_parameters(deployment.client("ssm"), "shop")
    deployment.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    found = Shop(deployment, tmp_path)
    found.publish("v1")
    found.publish("v2", items=("pear", "plum", "kiwi", "lime"))
    found.publish("v3", passed=False)
    found.publish("v4")
    for version in ("v1", "v2"):
        found.registry.promote(version, reason=f"run {version}", now_ms=1)
    return found


def run(*arguments: str) -> str:
    result = CliRunner().invoke(
        command.app, ["models", *arguments, "--stack", "shop"], catch_exceptions=False, terminal_width=200
    )
    assert result.exit_code == 0, result.stderr
    return result.stdout


def document(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def refused(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["alsolike", "models", *arguments, "--stack", "shop"])
        with pytest.raises(SystemExit) as ended:
            command.main()
        assert ended.value.code == 1
        return capsys.readouterr().err

    return refused


def test_list_says_what_each_version_is(shop: Shop) -> None:
    shop.publish("v5")
    shop.publish("v6")
    shop.try_beside("v4")
    run("retire", "v5")
    run("pin", "v1")

    listed = {each["version"]: (each["status"], each["pinned"]) for each in document("list")}

    assert listed == {
        "v1": ("previous", True),
        "v2": ("champion", False),
        "v3": ("rejected", False),
        "v4": ("canary", False),
        "v5": ("retired", False),
        "v6": ("kept", False),
    }
    assert "pinned" in run("list")


def test_what_was_let_through_by_force_is_said_of_it_whatever_it_is_later(shop: Shop) -> None:
    run("promote", "v3", "--reason", "it is Christmas", "--force")
    run("promote", "v4", "--reason", "it is over", "--force")  # the gate let it through by itself
    run("promote", "v2", "--reason", "back again")

    listed = {each["version"]: (each["status"], each["forced"]) for each in document("list")}

    assert listed == {
        "v1": ("previous", False),
        "v2": ("champion", False),
        "v3": ("kept", True),
        "v4": ("kept", False),
    }
    assert "kept, forced" in run("list")
    assert "version    v3, kept, forced, made" in run("show", "v3")


def test_force_is_said_of_a_version_that_its_trial_rejected_and_whose_files_are_gone(shop: Shop) -> None:
    run("promote", "v3", "--reason", "it is Christmas", "--force")
    run("promote", "v2", "--reason", "back again")
    run("promote", "v4", "--reason", "it is over")
    Approvals(shop.sagemaker, GROUP).decide("v3", "Rejected", reason="breached")  # as the end of a trial does

    listed = run("list")
    shown = run("show", "v3")
    run("retire", "v3")

    assert "rejected, forced" in listed
    assert "version    v3, rejected, forced, made" in shown
    assert "retired, forced" in run("list")


def test_decisions_that_do_not_change_any_more_are_read_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = model_versions.of(shop.deployment)
    get, read = shop.s3.get_object, []

    def noting(**call: Any) -> Any:
        read.append(call["Key"])
        return get(**call)

    monkeypatch.setattr(shop.s3, "get_object", noting)

    for _ in range(2):
        versions.all()

    assert sorted(key for key in read if key in map(decision_key, ("v1", "v2", "v3", "v4"))) == [
        decision_key("v1"),
        decision_key("v2"),
        *2 * [decision_key("v3")],  # somebody may force it
        decision_key("v4"),
    ]


def test_show_tells_what_the_gate_and_the_trial_found(shop: Shop) -> None:
    shop.try_beside("v4")

    told = document("show", "v4")
    shown = run("show", "v4")

    assert (told["version"], told["status"], told["approval"]) == ("v4", "canary", "PendingManualApproval")
    assert told["decision"]["verdict"] == "approved"
    assert told["decision"]["checks"][0]["figures"] == "0.23, the champion has 0.22"
    assert (told["canary"]["state"], told["canary"]["reasons"]) == ("going", ["12 answers to 9 users"])
    assert "gate       approved 1970-01-01 00:00:00 UTC, beside v1\n           passed: ndcg: 0.23" in shown
    assert "canary     going, 10% of the users beside v2, 1 looks" in shown
    assert "           started by-hand: for spring\n           12 answers to 9 users" in shown


def test_show_asks_for_no_package_but_the_versions_own(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    describe, described = shop.sagemaker.describe_model_package, []

    def noting(**call: Any) -> Any:
        described.append(call["ModelPackageName"])
        return describe(**call)

    monkeypatch.setattr(shop.sagemaker, "describe_model_package", noting)

    assert document("show", "v2")["version"] == "v2"

    assert len(described) == 1


def test_what_the_gate_rejected_is_retired_once_its_files_are_gone(shop: Shop) -> None:
    run("retire", "v3")

    assert document("show", "v3")["status"] == "retired"


def test_show_still_tells_of_a_version_whose_files_are_gone(shop: Shop) -> None:
    run("retire", "v4")

    told = document("show", "v4")

    assert (told["status"], told["manifest"]) == ("retired", None)
    assert told["decision"]["verdict"] == "approved"


def test_diff_has_what_differs_and_nothing_else(shop: Shop) -> None:
    found = document("diff", "v1", "v2")

    figures = {change["name"]: (change["before"], change["after"]) for change in found["figures"]}
    assert figures == {"items": (3, 4), "ndcg": (0.23, pytest.approx(0.24))}
    assert found["dataset"] == [{"name": "items", "before": 3, "after": 4}]
    assert (found["items_added"], found["items_gone"]) == (["kiwi", "lime"], ["fig"])
    shown = run("diff", "v1", "v2")
    assert "items added: kiwi, lime\nitems gone: fig\n" in shown


def test_diff_does_without_datasets_that_have_expired(shop: Shop) -> None:
    shop.s3.delete_object(Bucket=BUCKET, Key=f"{prefix('v1')}{MANIFEST_FILE}")

    assert document("diff", "v1", "v2")["dataset"] == []


def test_promoting_approves_the_package(shop: Shop) -> None:
    document("promote", "v4", "--reason", "better")

    assert (shop.champion.version, shop.approval("v4")) == ("v4", "Approved")


def test_what_the_gate_rejected_is_promoted_by_force_alone_and_the_reason_is_kept(shop: Shop, refusal: Any) -> None:
    said = refusal("promote", "v3", "--reason", "it is Christmas")

    assert "the gate rejected model version 'v3' (failed: ndcg: 0.23, the champion has 0.22); --force" in said
    assert shop.champion.version == "v2"

    document("promote", "v3", "--reason", "it is Christmas", "--force")

    assert (shop.champion.version, shop.approval("v3")) == ("v3", "Approved")
    told = document("show", "v3")
    assert (told["decision"]["forced"], told["decision"]["verdict"]) == ("it is Christmas", "approved")
    assert "forced     it is Christmas" in run("show", "v3")


@pytest.mark.parametrize("canary", [[], ["--canary"]])
def test_what_cannot_be_promoted_is_not_noted_as_forced(shop: Shop, refusal: Any, canary: list[str]) -> None:
    run("retire", "v3")

    said = refusal("promote", "v3", "--reason", "it is Christmas", "--force", *canary)

    assert "model version 'v3'" in said
    assert (shop.decision("v3").forced, shop.champion.version) == (None, "v2")


def test_what_cannot_be_served_does_not_become_champion_by_force(shop: Shop, refusal: Any) -> None:
    final = Decision("v4", 1, "v2", (Check("graph", False, "it does not run", final=True),))
    shop.s3.put_object(Bucket=BUCKET, Key=decision_key("v4"), Body=final.to_json())

    said = refusal("promote", "v4", "--reason", "it is Christmas", "--force")

    assert "model version 'v4' cannot be served, whatever the reason: failed: graph: it does not run" in said
    assert shop.champion.version == "v2"


def test_a_promotion_that_sagemaker_does_not_approve_warns(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(*_: Any, **__: Any) -> None:
        raise Unavailable("Rate exceeded")

    monkeypatch.setattr(Approvals, "decide", throttled)

    answer = CliRunner().invoke(command.app, ["models", "promote", "v4", "--reason", "better", "--stack", "shop"])

    assert (answer.exit_code, shop.champion.version) == (0, "v4")
    assert "v4 is champion; a rollback brings back v2" in answer.stdout
    assert answer.stderr == (
        "warning: model version 'v4' is champion, but its package in the SageMaker Model Registry could not be "
        "approved: Rate exceeded\n"
    )


def test_the_champion_is_not_promoted_again(shop: Shop, refusal: Any) -> None:
    before = shop.champion

    assert "model version 'v2' is champion already" in refusal("promote", "v2", "--reason", "again")
    assert shop.champion == before


def test_a_promotion_ends_the_trial_of_another(shop: Shop) -> None:
    shop.try_beside("v4")

    run("promote", "v1", "--reason", "safe")

    assert (shop.champion.version, shop.champion.canary) == ("v1", None)


class TestRollback:
    def test_it_holds_new_versions_until_they_are_let_in_again(self, shop: Shop, refusal: Any) -> None:
        told = document("rollback", "--reason", "it sells socks only")

        assert (told["version"], told["held"]["reason"]) == ("v1", "it sells socks only")
        said = "it sells socks only; `alsolike models resume` lets new versions in again"
        assert said in run("list")
        assert "v1 is champion" in run("resume")
        assert shop.champion.held is None
        assert said not in run("list")
        assert "nothing holds new versions" in refusal("resume")

    def test_a_promotion_by_hand_lifts_it(self, shop: Shop) -> None:
        assert "new versions are held since" in run("rollback")

        assert "held" not in run("promote", "v4", "--reason", "mended")

    def test_while_a_version_is_on_trial_it_has_to_say_which_of_the_two(self, shop: Shop, refusal: Any) -> None:
        shop.try_beside("v4")

        said = refusal("rollback", "--reason", "worse")

        assert "model version 'v4' is on trial: `alsolike models rollback --canary` takes it back, and 'v2'" in said
        assert "`alsolike models rollback --champion` ends its trial and takes back 'v2' as well" in said
        assert (shop.champion.version, shop.champion.canary is None) == ("v2", False)
        assert "expected one of them" in refusal("rollback", "--canary", "--champion")

        told = document("rollback", "--champion", "--reason", "worse")

        assert (told["version"], told["canary"], told["ended"]["version"]) == ("v1", None, "v4")
        assert told["ended"]["reason"] == "v2 was rolled back beside it: worse"

    @pytest.mark.parametrize(
        ("reason", "said"),
        [
            ("", "the reason is '', expected words"),
            ("  ", "the reason is '  ', expected words"),
            ("x" * 501, "the reason has 501 characters, expected at most 500"),
        ],
    )
    def test_a_reason_has_words_and_an_end(self, shop: Shop, refusal: Any, reason: str, said: str) -> None:
        shop.try_beside("v4")
        before = shop.champion

        for call in (
            ["rollback", "--champion"],
            ["rollback", "--canary"],
            ["promote", "v4"],
            ["promote", "v4", "--canary"],
        ):
            assert said in refusal(*call, "--reason", reason)

        assert shop.champion == before


class TestCanary:
    @pytest.fixture
    def machine(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The training workflow, which is not run here."""
        states = shop.deployment.client("stepfunctions")
        role = "arn:aws:iam::123456789012:role/workflow"
        start = {"Type": "Pass", "Result": {"first": "canary"}, "ResultPath": "$.start", "Next": "End"}
        definition = json.dumps({"StartAt": "Start", "States": {"Start": start, "End": {"Type": "Succeed"}}})
        arn = states.create_state_machine(name="training", definition=definition, roleArn=role)["stateMachineArn"]
        assert arn.rpartition(":")[2] == "training"
        shop.deployment.client("ssm").put_parameter(
            Name="/alsolike/shop/state-machine-arn", Value=arn, Type="String", Overwrite=True
        )
        return states

    def test_the_workflow_is_started_at_the_trial(self, shop: Shop, machine: Any) -> None:
        started = document("promote", "v4", "--reason", "let us see", "--canary")

        execution = machine.describe_execution(executionArn=started["execution_arn"])
        assert json.loads(execution["input"]) == {"version": "v4", "reason": "let us see"}
        assert shop.champion.version == "v2"

    def test_what_the_gate_rejected_is_tried_by_force_alone(self, shop: Shop, machine: Any, refusal: Any) -> None:
        assert "the gate rejected model version 'v3'" in refusal("promote", "v3", "--reason", "x", "--canary")

        document("promote", "v3", "--reason", "it is Christmas", "--canary", "--force")

        assert (shop.decision("v3").forced, shop.champion.version) == ("it is Christmas", "v2")

    def test_while_another_run_goes_on_it_is_refused(self, shop: Shop, machine: Any, refusal: Any) -> None:
        (found,) = machine.list_state_machines()["stateMachines"]
        busy = {"first": "busy", "reason": "by-hand; not now, for run r0 goes on as execution e0"}
        start = {"Type": "Pass", "Result": busy, "ResultPath": "$.start", "Next": "Busy"}
        definition = {"StartAt": "Start", "States": {"Start": start, "Busy": {"Type": "Succeed"}}}
        machine.update_state_machine(stateMachineArn=found["stateMachineArn"], definition=json.dumps(definition))

        assert "run r0 goes on as execution e0" in refusal("promote", "v4", "--reason", "x", "--canary")

    def test_start_that_fails_is_refused_with_its_cause(self, shop: Shop, machine: Any, refusal: Any) -> None:
        (found,) = machine.list_state_machines()["stateMachines"]
        definition = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "TrainingFailed", "Cause": "why"}}}
        machine.update_state_machine(stateMachineArn=found["stateMachineArn"], definition=json.dumps(definition))

        assert "failed: TrainingFailed: why" in refusal("promote", "v4", "--reason", "x", "--canary")

    def test_neither_the_champion_nor_what_has_no_files_goes_on_trial(self, shop: Shop, refusal: Any) -> None:
        assert "model version 'v2' is champion already" in refusal("promote", "v2", "--reason", "x", "--canary")
        assert "there is no model version 'v9'" in refusal("promote", "v9", "--reason", "x", "--canary")

    def test_it_is_taken_back_while_the_champion_stays(self, shop: Shop, refusal: Any) -> None:
        shop.try_beside("v4")

        told = document("rollback", "--canary", "--reason", "slow")

        assert (told["ended"]["reason"], told["held"]) == ("somebody took it back: slow", None)
        assert (shop.champion.version, shop.champion.canary) == ("v2", None)
        assert "no version is on trial" in refusal("rollback", "--canary")


class TestFiles:
    def test_a_version_that_nothing_needs_is_retired(self, shop: Shop) -> None:
        files = shop.files("v4")

        assert document("retire", "v4") == {"version": "v4", "files": files}
        assert shop.files("v4") == 0
        assert Decisions(shop.s3, BUCKET).get("v4") is not None

    def test_what_is_needed_stays(self, shop: Shop, refusal: Any) -> None:
        arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "model": "v3"}}
        store = ConfigurationStore(shop.s3, BUCKET)
        experiments = {"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}}
        store.apply(
            store.current(), {"format": 1, "experiments": experiments}, text="", by="test", reason="test", now_ms=1
        )
        shop.try_beside("v4")
        shop.publish("v5")
        run("pin", "v5")

        for version, why in {
            "v2": "is champion",
            "v1": "is what a rollback returns to",
            "v4": "is on trial",
            "v5": "is pinned",
            "v3": "answers an arm of the experiment spring",
        }.items():
            assert f"model version '{version}' {why}; its files stay" in refusal("retire", version)
            assert shop.files(version)

    def test_what_is_not_there_cannot_be_retired(self, shop: Shop, refusal: Any) -> None:
        assert "model version 'v9' has no files" in refusal("retire", "v9")

    def test_pins_are_set_and_lifted(self, shop: Shop, refusal: Any) -> None:
        assert document("pin", "v4")["pinned"] == ["v4"]
        assert document("pin", "v1")["pinned"] == ["v4", "v1"]
        assert document("pin", "v4")["pinned"] == ["v4", "v1"]
        assert document("unpin", "v4")["pinned"] == ["v1"]
        assert "model version 'v4' is not pinned; pinned: v1" in refusal("unpin", "v4")
        assert "there is no model version 'v9'" in refusal("pin", "v9")
