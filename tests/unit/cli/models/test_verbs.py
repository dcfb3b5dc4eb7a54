"""Subcommands of `alsolike models` with two promoted versions, and a rejected version without files."""

import orjson
import pytest

from alsolike.registry.champion_pointer import Registry
from tests.unit.cli.models.versions import document, run
from tests.unit.cli.shop import put_parameters


def register(deployment, version, *, status="Approved"):
    """Register a version. Only an approved version has files."""
    properties = {"version": version, "algorithm": "ease", "items": "12", "ease.ndcg": "0.4", "popularity.ndcg": "0.1"}
    deployment.client("sagemaker").create_model_package(
        ModelPackageGroupName="models", ModelPackageDescription=version, ModelApprovalStatus=status,
        CustomerMetadataProperties=properties,
    )  # fmt: skip
    if status == "Approved":
        manifest = {
            "version": version, "algorithm": "ease", "items": 12, "exclude_seen": False, "dataset_id": version,
            "history": {"length": 100, "half_life_days": None, "event_weights": {"view": 1.0}},
            "last_event_ms": 1_500_000_000_000, "created_ms": 1_500_000_000_001, "code_version": "abc", "files": {},
            "metrics": {"candidates": [{"algorithm": "ease", "ndcg": 0.4, "hr": 0.6, "mrr": 0.3, "coverage": 0.2,
                                        "fit_s": 1.0}],
                        "k": 10, "related": {"similar": {"asked": 5000, "hr": 0.31, "popular_hr": 0.02}}},
            "format_version": 1,
        }  # fmt: skip
        key = f"models/{version}/manifest.json"
        deployment.client("s3").put_object(Bucket="artefacts", Key=key, Body=orjson.dumps(manifest))


@pytest.fixture(autouse=True)
def models(deployment):
    """Register the versions a and b, promote them in this order, and register c as rejected, without files."""
    put_parameters(deployment.client("ssm"), "shop")
    deployment.client("sagemaker").create_model_package_group(ModelPackageGroupName="models")
    for version, status in (("a", "Approved"), ("b", "Approved"), ("c", "Rejected")):
        register(deployment, version, status=status)
    registry = Registry(deployment.client("s3"), "artefacts")
    registry.promote("a", reason="first", now_ms=1)
    registry.promote("b", reason="second", now_ms=2)


def test_list_has_the_status_and_metrics_of_each_version():
    listed = document("list")

    statuses = {version["version"]: version["status"] for version in listed}
    assert statuses == {"a": "previous", "b": "champion", "c": "retired"}
    assert listed[0]["candidates"][0]["algorithm"] == "ease"
    fit_s = {version["version"]: version["candidates"][0]["fit_s"] for version in listed}
    assert fit_s == {"a": 1.0, "b": 1.0, "c": None}  # The version c has no files.
    table = run("list")
    assert "champion" in table
    assert "0.4000" in table


def test_show_has_metrics_and_promotions():
    details = document("show", "b")

    assert details["manifest"]["dataset_id"] == "b"
    assert [promotion["reason"] for promotion in details["promotions"]] == ["second"]
    assert "similar    HR@10 0.3100 of 5,000 queries, 0.0200 with the most frequent items" in run("show", "b")
    assert "models/3, Rejected\n" in run("show", "c")


def test_rollback_and_promote_change_the_champion():
    assert document("rollback")["version"] == "a"

    promoted = document("promote", "b", "--reason", "better")

    assert promoted["version"] == "b"
    reasons = [promotion["reason"] for promotion in promoted["history"]]
    assert reasons == ["better", "rolled back by hand", "second", "first"]


def test_rejected_version_cannot_be_promoted(refusal):
    assert "model version 'c' no longer has a bundle" in refusal("promote", "c", "--reason", "x")
