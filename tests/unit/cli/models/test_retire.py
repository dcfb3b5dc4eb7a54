"""Deletion of versions' files, and versions that are protected from it."""

from alsolike.registry.decision import Decisions
from operations.configuration.configuration_store import ConfigurationStore
from tests.unit.cli.models.versions import BUCKET, document, run


def test_unused_version_is_retired(shop):
    files = shop.files("v4")

    assert document("retire", "v4") == {"version": "v4", "files": files}
    assert shop.files("v4") == 0
    assert Decisions(shop.s3, BUCKET).get("v4") is not None


def test_version_in_use_cannot_be_retired(shop, refusal):
    arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "model": "v3"}}
    store = ConfigurationStore(shop.s3, BUCKET)
    experiments = {"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}}
    store.apply(store.current(), {"format": 1, "experiments": experiments}, text="", by="test", reason="test", now_ms=1)
    shop.try_beside("v4")
    shop.publish("v5")
    run("pin", "v5")

    for version, why in {
        "v2": "is champion",
        "v1": "can be restored by a rollback",
        "v4": "is the canary",
        "v5": "is pinned",
        "v3": "serves an arm of the experiment spring",
    }.items():
        assert f"model version '{version}' {why}; its files are kept" in refusal("retire", version)
        assert shop.files(version)


def test_unknown_version_cannot_be_retired(shop, refusal):
    assert "model version 'v9' has no files" in refusal("retire", "v9")


def test_versions_can_be_pinned_and_unpinned(shop, refusal):
    assert document("pin", "v4")["pinned"] == ["v4"]
    assert document("pin", "v1")["pinned"] == ["v4", "v1"]
    assert document("pin", "v4")["pinned"] == ["v4", "v1"]
    assert document("unpin", "v4")["pinned"] == ["v1"]
    assert "model version 'v4' is not pinned; pinned versions: v1" in refusal("unpin", "v4")
    assert "there is no model version 'v9'" in refusal("pin", "v9")
