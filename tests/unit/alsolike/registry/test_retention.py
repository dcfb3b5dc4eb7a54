from typing import Any

import pytest

from alsolike.configuration.experiments import Arm, Experiment
from alsolike.registry.canary import Canary
from alsolike.registry.champion_pointer import Champion, Promotion
from alsolike.registry.retention import UNFINISHED_MS, ModelFiles, StoredVersion, protected, superfluous
from alsolike.runtime.errors import Unavailable
from tests.fakes.places import BUCKET

NOW_MS = 10 * UNFINISHED_MS


def champion(*versions, **fields):
    """Return the pointer after the promotion of these versions, latest last."""
    history = tuple(Promotion(version, number, "") for number, version in enumerate(versions))
    return Champion(history[::-1], '"etag"', **fields)


def trying(version, *, end_ms):
    return Experiment(version, "default", 0, end_ms, (Arm("control", 0.5), Arm("new", 0.5, model=version)))


def retired(stored, *, others, keeps=()):
    found = superfluous(stored, dict.fromkeys(keeps, "is needed"), others=others, now_ms=NOW_MS)
    return [each.version for each in found]


def test_champion_canary_rollback_pinned_and_arm_versions_are_kept():
    pointer = champion(
        "v1", "v2", "v3", "v4", "v5", canary=Canary("v6", "v5", 0.1, 0, 1, 1, "r"), pinned=("v0",)
    )  # fmt: skip
    experiments = [trying("running", end_ms=None), trying("ahead", end_ms=NOW_MS + 1), trying("over", end_ms=NOW_MS)]

    assert protected(pointer, experiments, now_ms=NOW_MS) == {
        "v5": "is champion",
        "v6": "is the canary",
        "v4": "can be restored by a rollback",
        "v3": "can be restored by a rollback",
        "v2": "can be restored by a rollback",
        "v0": "is pinned",
        "running": "serves an arm of the experiment running",
        "ahead": "serves an arm of the experiment ahead",
    }


def test_rolled_back_version_is_not_kept_for_a_rollback():
    assert set(protected(champion("v1", "bad", "v1"), (), now_ms=NOW_MS)) == {"v1"}


def test_latest_unprotected_versions_are_kept():
    stored = [StoredVersion(f"v{number}", number, True) for number in range(6)]

    assert retired(stored, others=2, keeps=("v0", "v4")) == ["v2", "v1"]
    assert retired(stored, others=10) == []


def test_incomplete_upload_is_deleted_after_the_upload_time_limit():
    stored = [
        StoredVersion("fresh", NOW_MS - UNFINISHED_MS, False),
        StoredVersion("old", NOW_MS - UNFINISHED_MS - 1, False),
        StoredVersion("whole", 1, True),
    ]

    assert retired(stored, others=1) == ["old"]


class TestModelFiles:
    @pytest.fixture
    def s3(self, s3):
        for key in ("v1/graph.data", "v1/manifest.json", "v10/manifest.json", "half/graph.data"):
            s3.put_object(Bucket=BUCKET, Key=f"models/{key}", Body=b"{}")
        return s3

    def test_version_with_a_manifest_is_complete(self, s3):
        found = ModelFiles(s3, BUCKET).stored()

        assert [(each.version, each.complete) for each in found] == [("half", False), ("v1", True), ("v10", True)]

    def test_deletion_removes_only_the_named_version(self, s3):
        assert ModelFiles(s3, BUCKET).delete("v1") == 2

        assert [each.version for each in ModelFiles(s3, BUCKET).stored()] == ["half", "v10"]
        assert ModelFiles(s3, BUCKET).delete("v1") == 0

    def test_partly_deleted_version_is_incomplete(self, s3, monkeypatch):
        calls: list[Any] = []
        delete = s3.delete_objects

        def break_off(**request):
            calls.append(request)
            if len(calls) == 2:
                return {"Errors": [{"Key": "models/v1/graph.data", "Message": "slow down"}]}
            return delete(**request)

        monkeypatch.setattr(s3, "delete_objects", break_off)

        with pytest.raises(Unavailable, match=r"s3://artefacts/models/v1/graph\.data cannot be deleted: slow down"):
            ModelFiles(s3, BUCKET).delete("v1")

        assert [each.complete for each in ModelFiles(s3, BUCKET).stored() if each.version == "v1"] == [False]
