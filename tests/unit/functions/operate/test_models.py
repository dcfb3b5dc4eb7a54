"""Model versions, read through the API."""

import dataclasses

import pytest

from alsolike.registry import bundle_files
from tests.builders.bundles import MANIFEST, upload_bundle, write_bundle


class TestList:
    def test_model_list_has_each_version_and_the_champion(self, operator):
        operator.publish("v5", files=False)
        operator.try_beside("v4")
        operator.registry.pin(operator.champion, ("v1",))

        found = operator.act("GET /operator/models", b"")

        statuses = {"v1": "previous", "v2": "champion", "v3": "rejected", "v4": "canary", "v5": "retired"}
        assert {version["version"]: version["status"] for version in found["versions"]} == statuses
        assert [version["version"] for version in found["versions"] if version["pinned"]] == ["v1"]
        champion = found["champion"]
        assert (champion["version"], champion["previous"], champion["pinned"]) == ("v2", "v1", ["v1"])
        assert champion["canary"] == {"version": "v4", "share": 0.1, "startedMs": 5}
        assert champion["history"][0] == {"version": "v2", "promotedMs": 1, "reason": "run v2"}
        (v4,) = [each for each in found["versions"] if each["version"] == "v4"]
        assert (v4["algorithm"], v4["items"], v4["hr"], v4["ndcg"], v4["coverage"]) == ("ease", 40, 0.5, 0.25, 0.8)

    def test_model_list_without_models_is_empty(self, empty):
        assert empty.act("GET /operator/models", b"") == {"champion": None, "versions": [], "trialSharePercent": 10}

    def test_model_list_limit_keeps_versions_of_the_champion_pointer(self, operator):
        found = operator.call("GET /operator/models", query={"limit": "1"})["document"]

        latest, *named = [each["version"] for each in found["versions"]]
        assert set(named) == {"v1", "v2"} - {latest}
        assert len(named) == len(set(named))


class TestStory:
    def test_model_details_have_training_gate_and_canary_results(self, operator):
        operator.try_beside("v4")

        details = operator.act("GET /operator/models/{version}", b"", version="v4")

        assert (details["version"]["status"], details["datasetId"], details["lastEventMs"]) == ("canary", "data-v4", 7)
        candidates = [(each["algorithm"], each["fitS"], each["winner"]) for each in details["candidates"]]
        assert candidates == [("ease", 12.0, True), ("popularity", 0.5, False)]
        check = {"name": "ndcg", "passed": True, "figures": "0.25, the champion has 0.20"}
        decision = {"verdict": "approved", "decidedMs": 5, "champion": "v0", "forced": None, "checks": [check]}
        assert details["decision"] == decision
        assert details["canary"]["looks"] == [{"atMs": 6, "state": "going", "reasons": ["12 answers to 9 users"]}]
        assert details["promotions"] == []

    def test_model_details_remain_after_the_files_are_deleted(self, operator):
        operator.publish("v5", files=False)

        details = operator.act("GET /operator/models/{version}", b"", version="v5")

        assert (details["version"]["status"], details["datasetId"], details["canary"]) == ("retired", None, None)
        assert [each["ndcg"] for each in details["candidates"]] == [0.25, 0.1]

    @pytest.mark.parametrize("version", ["v9", "a/b", "../v1", "😀" * 250])
    def test_unknown_version_returns_404(self, operator, version):
        status, message = operator.refused("GET /operator/models/{version}", b"", version=version)

        assert (status, "there is no model version" in message) == (404, True)

    def test_damaged_file_is_named(self, operator, tmp_path, monkeypatch):
        write_bundle(tmp_path, manifest=dataclasses.replace(MANIFEST, version="v4"))
        upload_bundle(operator.s3, operator.bucket, tmp_path, version="v4")
        assert damaged_files(operator) == ([], [])

        # A change within `MAX_UPLOAD_MS` before the manifest's upload would count as part of the upload.
        monkeypatch.setattr(bundle_files, "MAX_UPLOAD_MS", -1)
        operator.put("models/v4/graph.onnx", b"x")

        (listed,), (shown,) = damaged_files(operator)
        assert listed == shown
        assert listed.startswith("graph.onnx has 1 bytes, expected ")


def damaged_files(operator):
    found = operator.act("GET /operator/models", b"")
    shown = operator.act("GET /operator/models/{version}", b"", version="v4")
    (v4,) = [each for each in found["versions"] if each["version"] == "v4"]
    return v4["damaged"], shown["version"]["damaged"]
