"""Output about versions: the list, one version, and the differences of two."""

import pytest

from alsolike.registry.approvals import Approvals
from alsolike.registry.decision import decision_key
from alsolike.training.dataset import MANIFEST_FILE, prefix
from operations.models import versions as model_versions
from tests.unit.cli.models.versions import BUCKET, GROUP, document, run


def test_list_has_the_status_of_each_version(shop):
    shop.publish("v5")
    shop.publish("v6")
    shop.try_beside("v4")
    run("retire", "v5")
    run("pin", "v1")

    listed = {version["version"]: (version["status"], version["pinned"]) for version in document("list")}

    assert listed == {
        "v1": ("previous", True), "v2": ("champion", False), "v3": ("rejected", False),
        "v4": ("canary", False), "v5": ("retired", False), "v6": ("kept", False),
    }  # fmt: skip
    assert "pinned" in run("list")


def test_version_without_files_is_retired_with_the_metrics_of_its_package(shop):
    run("retire", "v4")
    details = document("show", "v4")

    candidates = {each["version"]: each["candidates"][0] for each in document("list")}
    kept, retired = candidates["v3"], candidates["v4"]

    assert (kept["algorithm"], kept["ndcg"], kept["fit_s"]) == ("table", 0.23, 1.0)
    assert (retired["algorithm"], retired["ndcg"], retired["fit_s"]) == ("table", 0.23, None)
    assert (details["status"], details["manifest"]) == ("retired", None)
    assert details["decision"]["verdict"] == "approved"
    assert "0.2300" in run("list")


def test_versions_refused_by_sagemaker_are_listed_and_can_be_promoted(shop):
    shop.publish("v5", registered=False)
    shop.publish("v6", registered=False, passed=False)

    listed = {each["version"]: each["status"] for each in document("list")}
    run("promote", "v5", "--reason", "the registry is not needed")

    assert (listed["v5"], listed["v6"]) == ("kept", "rejected")
    assert shop.champion.version == "v5"
    assert "NotRegistered" in run("show", "v5")


def test_forced_version_is_shown_as_forced_with_any_status(shop):
    run("promote", "v3", "--reason", "it is Christmas", "--force")
    run("promote", "v4", "--reason", "it is over", "--force")  # The gate had accepted this version.
    run("promote", "v2", "--reason", "back again")
    # A canary that ends early rejects its version, too.
    Approvals(shop.sagemaker, GROUP).decide("v3", "Rejected", reason="breached")

    listed = {version["version"]: (version["status"], version["forced"]) for version in document("list")}
    printed, shown = run("list"), run("show", "v3")
    run("retire", "v3")

    assert listed == {
        "v1": ("previous", False), "v2": ("champion", False), "v3": ("rejected", True), "v4": ("kept", False),
    }  # fmt: skip
    assert "rejected, forced" in printed
    assert "version    v3, rejected, forced, made" in shown
    assert "models/3, Rejected\n" in shown
    assert "retired, forced" in run("list")


def test_final_decisions_are_read_once(shop, monkeypatch):
    versions = model_versions.of(shop.deployment)
    get, read = shop.s3.get_object, []

    def recording(**call):
        read.append(call["Key"])
        return get(**call)

    monkeypatch.setattr(shop.s3, "get_object", recording)

    for _ in range(2):
        versions.all()

    assert sorted(key for key in read if key in map(decision_key, ("v1", "v2", "v3", "v4"))) == [
        decision_key("v1"),
        decision_key("v2"),
        *2 * [decision_key("v3")],  # The command reads this object twice, because the operator may force the version.
        decision_key("v4"),
    ]


def test_show_has_related_items_and_promotions(shop):
    details = document("show", "v2")

    assert details["manifest"]["dataset_id"] == "v2"
    assert [promotion["reason"] for promotion in details["promotions"]] == ["run v2"]
    assert "similar    HR@10 0.3100 of 5,000 queries, 0.0200 with the most frequent items" in run("show", "v2")


def test_show_has_the_results_of_gate_and_canary(shop):
    shop.try_beside("v4")

    details = document("show", "v4")
    shown = run("show", "v4")

    assert (details["version"], details["status"], details["approval"]) == ("v4", "canary", "PendingManualApproval")
    assert details["decision"]["verdict"] == "approved"
    assert details["decision"]["checks"][0]["figures"] == "0.23, the champion has 0.22"
    assert (details["canary"]["state"], details["canary"]["reasons"]) == ("going", ["12 answers to 9 users"])
    assert "gate       approved 1970-01-01 00:00:00 UTC, compared with v1\n           passed: ndcg: 0.23" in shown
    assert "canary     going, 10% of the users next to v2, 1 looks" in shown
    assert "           started by-hand: for spring\n           12 answers to 9 users" in shown


@pytest.mark.parametrize(
    ("cold", "message"),
    [
        ({"scales": {"new": 4.0, "rare": 0.25}}, "4 times what is like them where they are new, 0.25 times where rare"),
        ({"scale": 1.5}, "1.5 times what is like them\n"),
    ],
)
def test_show_has_the_scales_of_cold_items(shop, cold, message):
    shop.publish("v5", cold=cold)

    assert f"cold items score {message}" in run("show", "v5")
    assert "cold items" not in run("show", "v4")


def test_show_reads_only_the_package_of_its_version(shop, monkeypatch):
    describe, described = shop.sagemaker.describe_model_package, []

    def recording(**call):
        described.append(call["ModelPackageName"])
        return describe(**call)

    monkeypatch.setattr(shop.sagemaker, "describe_model_package", recording)

    assert document("show", "v2")["version"] == "v2"

    assert len(described) == 1


def test_diff_has_only_the_differences(shop):
    found = document("diff", "v1", "v2")

    figures = {change["name"]: (change["before"], change["after"]) for change in found["figures"]}
    assert figures == {"items": (3, 4), "ndcg": (0.23, pytest.approx(0.24))}
    assert found["dataset"] == [{"name": "items", "before": 3, "after": 4}]
    assert (found["items_added"], found["items_gone"]) == (["kiwi", "lime"], ["fig"])
    shown = run("diff", "v1", "v2")
    assert "items added: kiwi, lime\nitems gone: fig\n" in shown


def test_diff_works_with_expired_datasets(shop):
    shop.s3.delete_object(Bucket=BUCKET, Key=f"{prefix('v1')}{MANIFEST_FILE}")

    assert document("diff", "v1", "v2")["dataset"] == []
