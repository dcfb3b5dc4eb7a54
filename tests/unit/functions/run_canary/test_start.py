"""Start of a canary, and versions that never start one."""

import re

import pytest

from alsolike.runtime.errors import NotFound
from tests.unit.functions.run_canary.trial import EVERYBODY, HOUR_MS


def test_start_adds_the_canary_to_the_champion_pointer(trial):
    answer = trial.do("start")

    canary = trial.canary()
    assert answer["state"] == "going"
    assert trial.champion.version == "v1"
    assert (canary.version, canary.champion, canary.share, canary.run_id) == ("v2", "v1", 0.2, "v2")
    assert canary.ends_ms - canary.started_ms == HOUR_MS
    assert trial.report().state == "going"


def test_repeated_start_returns_the_same_canary(trial):
    first = trial.start()
    trial.now_ms += 5_000

    assert trial.start() == first


def test_first_version_is_promoted_without_a_canary(trial):
    trial.s3.delete_object(Bucket=trial.bucket, Key="registry/champion.json")
    trial.accept("v2", champion=None)

    answer = trial.do("start")

    assert (answer["state"], trial.champion.version) == ("promoted", "v2")
    assert "there was no champion" in answer["reasons"][0]
    assert trial.approval("v2") == "Approved"


def test_share_0_promotes_without_a_canary(trial, monkeypatch):
    monkeypatch.setenv("CANARY_SHARE_PERCENT", "0")

    answer = trial.do("start")

    assert (answer["state"], trial.champion.version) == ("promoted", "v2")
    assert answer["reasons"] == ["canary_share_percent is 0: a canary is not needed"]
    assert trial.do("start") == answer  # Step Functions may repeat a step.


def test_manual_start_uses_the_current_champion(trial):
    trial.publish("v3")
    trial.promote("v3", reason="by hand")

    answer = trial.do("start", run_id="a-run-of-its-own")

    assert (answer["state"], trial.canary().champion) == ("going", "v3")


def test_rejected_version_is_not_started(trial):
    trial.accept("v2", champion="v1", passed=False)

    assert trial.do("start", run_id="by-hand")["state"] == "rolled_back"
    assert trial.champion.canary is None


@pytest.mark.parametrize("forced", [True, False])
def test_canary_of_a_forced_version_makes_it_a_forced_champion(trial, forced):
    trial.accept("v2", champion="v1", passed=not forced)
    if forced:
        trial.decisions.force("v2", reason="it is Christmas")
    trial.start(run_id="by-hand")
    trial.now_ms += HOUR_MS

    assert trial.do("look", run_id="by-hand")["state"] == "promoted"

    assert (trial.champion.version, trial.champion.is_forced) == ("v2", forced)


@pytest.mark.parametrize(
    ("rolled_back", "champion", "reason"),
    [
        (False, "v3", "the champion is now v3, but the gate compared the version with v1"),
        (
            True,
            "v1",
            "paused since 2026-01-01 00:00:00 UTC: it sells socks only; `alsolike models resume` ends the pause",
        ),
    ],
    ids=["replaced champion", "pause after a rollback"],
)
def test_automatic_start_after_a_manual_change_is_refused(trial, rolled_back, champion, reason):
    trial.publish("v3")
    trial.promote("v3", reason="by hand")
    if rolled_back:
        trial.registry.roll_back(reason="it sells socks only", now_ms=1_767_225_600_000)

    assert trial.do("start") == {"version": "v2", "state": "rolled_back", "reasons": [reason]}

    assert (trial.champion.version, trial.champion.canary) == (champion, None)
    assert trial.approval("v2") == "PendingManualApproval"  # The canary has no evidence against the version.


def test_reason_of_a_manual_start_is_in_report_and_history(trial):
    trial.start(run_id="by-hand")
    trial.now_ms += HOUR_MS
    trial.do("look", run_id="by-hand")

    assert trial.report().reason == "by-hand: for spring; tries version v2"
    assert trial.champion.history[0].reason == (
        "run by-hand: the canary has no evidence: too few responses to compare; the period before the canary had 0; "
        "by-hand: for spring; tries version v2"
    )


def test_version_without_a_manifest_is_refused(trial):
    trial.s3.delete_object(Bucket=trial.bucket, Key="models/v2/manifest.json")

    with pytest.raises(NotFound, match="model version 'v2' has no bundle"):
        trial.do("start")

    assert trial.champion.canary is None


def test_planned_responses_are_those_of_the_time_before(trial):
    trial.start()
    trial.answered(EVERYBODY * 3)
    trial.do("end")

    canary = trial.start(run_id="by-hand")

    assert (canary.planned_answers, canary.expected_answers) == (3_000, 3_000)


def test_expected_responses_exclude_those_outside_the_canary(trial):
    arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "model": "v1"}}
    trial.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})
    trial.start()
    trial.answered(EVERYBODY[:100])
    trial.answered(EVERYBODY[:30], recommender="recently-viewed")
    trial.answered(EVERYBODY[:20], arms=["spring/control"])
    trial.answered(EVERYBODY[:10], shopper=None)
    trial.answered(EVERYBODY[:15], agent="assistant")
    trial.do("end")

    canary = trial.start(run_id="by-hand")

    # All five objects are read, so the number is exact: 100 of the 175 rows count.
    assert (canary.planned_answers, canary.expected_answers) == (1_000, 100)


def test_start_reports_the_detectable_fall_of_clicks(trial):
    trial.start()
    rows = [
        {**row, "arms": [], "degraded": False, "impressions": 5, "shown_clicks": number % 3, "clicks": number % 3}
        for number, row in enumerate(trial.answered(EVERYBODY))
    ]
    trial.attribute(rows)
    trial.registry.end_canary(trial.champion, reason="again")

    answer = trial.do("start", run_id="again")

    assert re.fullmatch(
        r"a fall of click-through of \d\d% is found with a chance of 80%; one of 10% would take about \d+ hours",
        answer["reasons"][1],
    )
    assert trial.report().reasons == tuple(answer["reasons"])
