"""Manual changes during a canary, which are kept."""

import pytest

from alsolike.registry.canary_report import CanaryReports
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, Unavailable
from tests.unit.functions.run_canary.trial import HOUR_MS


@pytest.fixture
def just_before(monkeypatch):
    """Return a function that arranges a call just before the next call of a method."""

    def arrange(kind, method, happens):
        work = getattr(kind, method)

        def late(self, *arguments, **named):
            monkeypatch.setattr(kind, method, work)
            happens()
            return work(self, *arguments, **named)

        monkeypatch.setattr(kind, method, late)

    return arrange


@pytest.mark.parametrize(
    ("promoted", "state", "reason", "approval"),
    [
        (
            "v3",
            "rolled_back",
            "the version was removed from its canary by hand; champion is v3: I am sure",
            "PendingManualApproval",
        ),
        ("v2", "promoted", "it is champion: I am sure", "Approved"),
        ("v1", "rolled_back", "v1 stays champion: I am sure", "PendingManualApproval"),
    ],
    ids=["another version", "the version", "the champion"],
)
def test_manual_promotion_ends_the_canary(trial, promoted, state, reason, approval):
    trial.start()
    trial.publish("v3")
    trial.promote(promoted, reason="I am sure")

    assert trial.do("look") == {"version": "v2", "state": state, "reasons": [reason]}
    assert (trial.champion.version, trial.approval("v2")) == (promoted, approval)


def test_promotion_during_a_check_is_kept(trial, just_before):
    trial.start()
    trial.now_ms += HOUR_MS
    trial.publish("v3")
    just_before(Registry, "replace", lambda: trial.promote("v3", reason="just now"))

    assert trial.do("look")["state"] == "rolled_back"
    assert trial.champion.version == "v3"


def test_pin_during_a_check_does_not_prevent_a_rollback(trial, monkeypatch):
    trial.start_failing()
    end = Registry.end_canary

    def late(self, expected, **named):
        monkeypatch.setattr(Registry, "end_canary", end)
        self.pin(expected, ("v1",))
        with pytest.raises(ConcurrentUpdate):
            end(self, expected, **named)
        return end(self, expected, **named)

    monkeypatch.setattr(Registry, "end_canary", late)

    assert trial.do("look")["state"] == "rolled_back"
    assert (trial.champion.canary, trial.champion.pinned) == (None, ("v1",))


def test_promotion_between_a_breach_and_its_rollback_is_kept(trial, just_before):
    trial.start_failing()
    just_before(Registry, "end_canary", lambda: trial.promote("v2", reason="we know better"))

    answer = trial.do("look")

    assert answer == {"version": "v2", "state": "promoted", "reasons": ["it is champion: we know better"]}
    assert (trial.champion.version, trial.approval("v2")) == ("v2", "Approved")
    assert [look.state for look in trial.report().looks] == ["going", "promoted"]


def test_promotion_just_after_a_rollback_keeps_its_approval(trial, just_before):
    trial.start_failing()
    just_before(CanaryReports, "write", lambda: trial.promote("v2", reason="we know better"))

    assert trial.do("look")["state"] == "rolled_back"
    assert (trial.champion.version, trial.approval("v2")) == ("v2", "PendingManualApproval")


@pytest.mark.parametrize("noted", [True, False])
def test_repeated_start_does_not_restart_a_manually_ended_canary(trial, *, noted):
    """Step Functions repeats a step whose response was lost, possibly before a report exists."""
    trial.start()
    if not noted:
        trial.s3.delete_object(Bucket=trial.bucket, Key="registry/canaries/v2.json")
    trial.registry.end_canary(trial.champion, reason="not today")

    answer = trial.do("start")

    assert answer == {"version": "v2", "state": "rolled_back", "reasons": ["not today"]}
    assert trial.champion.canary is None


def test_rollback_with_a_lost_report_is_reported_again(trial, monkeypatch):
    trial.start_failing()
    write = CanaryReports.write

    def broken(self, report):
        monkeypatch.setattr(CanaryReports, "write", write)
        raise Unavailable("S3 does not answer")

    monkeypatch.setattr(CanaryReports, "write", broken)
    with pytest.raises(Unavailable):
        trial.do("look")

    answer = trial.do("look")

    assert answer["state"] == "rolled_back"
    assert answer["reasons"][0].startswith("fails outright: 100.0% of its 20 answers to 20 users are errors; ")
    assert trial.approval("v2") == "Rejected"


def test_end_action_rolls_a_running_canary_back(trial):
    trial.start()

    assert trial.do("end")["reasons"] == ["the workflow ended before the canary did"]
    assert trial.champion.canary is None
    assert trial.do("end")["state"] == "rolled_back"


def test_unknown_action_is_refused(trial):
    with pytest.raises(InvalidInput, match="action is 'stop', expected one of start, look, end"):
        trial.do("stop")


def test_unused_versions_are_deleted_at_the_end_of_the_canary(trial, monkeypatch):
    monkeypatch.setenv("MODELS_KEPT", "1")
    for version in ("old-1", "old-2", "pinned", "tested"):
        trial.publish(version)
    arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "model": "tested"}}
    trial.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})
    trial.registry.pin(trial.champion, ("pinned",))
    trial.start()
    trial.now_ms += HOUR_MS

    assert trial.do("look")["state"] == "promoted"

    (kept,) = trial.stored() - {"v1", "v2", "pinned", "tested"}
    assert kept in ("old-1", "old-2")
    assert trial.report("v2").state == "promoted"


def test_versions_are_kept_if_the_configuration_is_unreadable(trial, monkeypatch, logged):
    monkeypatch.setenv("MODELS_KEPT", "1")
    for version in ("old-1", "old-2"):
        trial.publish(version)
    trial.put("config/current.json", b"damaged")
    trial.start()
    trial.now_ms += HOUR_MS

    assert trial.do("look")["state"] == "promoted"

    assert trial.stored() == {"v1", "v2", "old-1", "old-2"}
    assert "versions cannot be retired" in logged()
