"""End of a canary: its removal from the pointer, and the deletion of unused versions."""

import pytest

from alsolike.runtime.errors import InvalidInput
from tests.unit.functions.run_canary.trial import HOUR_MS


def test_end_action_rolls_a_running_canary_back(trial):
    trial.start()

    assert trial.do("end")["reasons"] == ["the workflow ended before the canary did"]
    assert trial.pointer().canary is None
    assert trial.do("end")["state"] == "rolled_back"


def test_unknown_action_is_refused(trial):
    with pytest.raises(InvalidInput, match="action is 'stop', expected one of start, look, end"):
        trial.do("stop")


class TestRetention:
    def test_unused_versions_are_deleted_at_the_end_of_the_canary(self, trial, monkeypatch):
        monkeypatch.setenv("MODELS_KEPT", "1")
        for version in ("old-1", "old-2", "pinned", "tested"):
            trial.publish(version)
        arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "model": "tested"}}
        trial.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})
        trial.registry.pin(trial.pointer(), ("pinned",))
        trial.start()
        trial.now_ms += HOUR_MS

        assert trial.do("look")["state"] == "promoted"

        (kept,) = trial.stored() - {"v1", "v2", "pinned", "tested"}
        assert kept in ("old-1", "old-2")
        assert trial.report("v2").state == "promoted"

    def test_versions_are_kept_if_the_configuration_is_unreadable(self, trial, monkeypatch, logged):
        monkeypatch.setenv("MODELS_KEPT", "1")
        for version in ("old-1", "old-2"):
            trial.publish(version)
        trial.s3.put_object(Bucket=trial.artefacts, Key="config/current.json", Body=b"damaged")
        trial.start()
        trial.now_ms += HOUR_MS

        assert trial.do("look")["state"] == "promoted"

        assert trial.stored() == {"v1", "v2", "old-1", "old-2"}
        assert "versions cannot be retired" in logged()
