"""A canary from its start to its end, through the handler, on a pointer and a lake of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alsolike.canary_report import CanaryReport, CanaryReports
from alsolike.errors import ConcurrentUpdate, InvalidInput, NotFound, Unavailable
from alsolike.registry import Registry
from functions.run_canary import handler
from tests.unit.functions.run_canary.trial import HOUR_MS, SLOW_MS, Trial, document

EVERYBODY = [f"user-{number}" for number in range(1_000)]


class TestStart:
    def test_the_pointer_carries_the_version_beside_the_champion(self, trial: Trial) -> None:
        answer = trial.do("start")

        canary = trial.canary()
        assert answer["state"] == "going"
        assert trial.pointer().version == "v1"
        assert (canary.version, canary.champion, canary.share, canary.run_id) == ("v2", "v1", 0.2, "v2")
        assert canary.ends_ms - canary.started_ms == HOUR_MS
        assert trial.report().state == "going"

    def test_a_repeated_start_is_the_same_canary(self, trial: Trial) -> None:
        first = trial.start()
        trial.now_ms += 5_000

        assert trial.start() == first

    def test_the_first_version_is_champion_at_once(self, trial: Trial) -> None:
        trial.s3.delete_object(Bucket=trial.artefacts, Key="registry/champion.json")
        trial.decide("v2", champion=None)

        answer = trial.do("start")

        assert (answer["state"], trial.pointer().version) == ("promoted", "v2")
        assert "there was no champion" in answer["reasons"][0]
        assert trial.approval("v2") == "Approved"

    def test_without_a_share_there_is_no_trial(self, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CANARY_SHARE_PERCENT", "0")
        handler._settings.cache_clear()

        answer = trial.do("start")

        assert (answer["state"], trial.pointer().version) == ("promoted", "v2")
        assert answer["reasons"] == ["canary_share_percent is 0: there is no trial"]
        assert trial.do("start") == answer  # as Step Functions repeats it

    def test_another_champion_than_the_gate_compared_it_with_keeps_its_place(self, trial: Trial) -> None:
        trial.publish("v3")
        trial.registry.promote("v3", reason="by hand", now_ms=trial.now_ms)

        answer = trial.do("start")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"] == ["the champion is v3 by now, and the gate compared it with v1"]
        assert (trial.pointer().version, trial.pointer().canary) == ("v3", None)
        assert trial.approval("v2") == "PendingManualApproval"  # nothing was found against it

    def test_who_sends_a_version_on_trial_has_it_beside_whoever_is_champion(self, trial: Trial) -> None:
        trial.publish("v3")
        trial.registry.promote("v3", reason="by hand", now_ms=trial.now_ms)

        answer = trial.do("start", run_id="a-run-of-its-own")

        assert (answer["state"], trial.canary().champion) == ("going", "v3")

    def test_what_the_gate_rejected_is_not_tried(self, trial: Trial) -> None:
        trial.decide("v2", champion="v1", passed=False)

        assert trial.do("start", run_id="by-hand")["state"] == "rolled_back"
        assert trial.pointer().canary is None

    def test_after_a_rollback_by_hand_new_versions_are_held_and_say_so(self, trial: Trial) -> None:
        trial.publish("v3")
        trial.registry.promote("v3", reason="a test", now_ms=trial.now_ms)
        trial.registry.roll_back(reason="it sells socks only", now_ms=1_767_225_600_000)

        answer = trial.do("start")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"] == [
            "held since 2026-01-01 00:00:00 UTC: it sells socks only; "
            "`alsolike models resume` lets new versions in again"
        ]
        assert (trial.pointer().version, trial.pointer().canary) == ("v1", None)
        assert trial.approval("v2") == "PendingManualApproval"

    def test_who_sends_a_version_on_trial_lifts_the_hold_by_its_promotion(self, trial: Trial) -> None:
        trial.publish("v3")
        trial.registry.promote("v3", reason="a test", now_ms=trial.now_ms)
        trial.registry.roll_back(reason="it sells socks only", now_ms=trial.now_ms)
        trial.start(run_id="by-hand")
        assert trial.pointer().held is not None
        trial.now_ms += HOUR_MS

        assert trial.do("look", run_id="by-hand")["state"] == "promoted"
        assert trial.pointer().held is None

    def test_the_reason_of_whoever_sent_it_on_trial_is_kept(self, trial: Trial) -> None:
        trial.start(run_id="by-hand")
        trial.now_ms += HOUR_MS
        trial.do("look", run_id="by-hand")

        assert trial.report().reason == "by-hand: for spring; tries version v2"
        assert trial.pointer().history[0].reason == (
            "run by-hand: passed its canary; by-hand: for spring; tries version v2"
        )

    def test_a_trial_that_takes_its_version_back_holds_nothing(self, trial: Trial) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 20), degraded=["model-failed"])

        assert trial.do("look")["state"] == "rolled_back"
        assert trial.pointer().held is None

    def test_a_half_uploaded_version_is_refused_by_name(self, trial: Trial) -> None:
        trial.s3.delete_object(Bucket=trial.artefacts, Key="models/v2/manifest.json")

        with pytest.raises(NotFound, match="model version 'v2' has no bundle"):
            trial.do("start")

        assert trial.pointer().canary is None

    def test_answers_of_the_time_before_say_how_many_are_planned(self, trial: Trial) -> None:
        trial.start()
        trial.answered(EVERYBODY * 3)
        trial.do("end")

        canary = trial.start(run_id="by-hand")

        assert (canary.planned_answers, canary.expected_answers) == (3_000, 3_000)

    def test_only_answers_that_could_be_on_trial_are_expected(self, trial: Trial) -> None:
        arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "model": "v1"}}
        trial.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})
        trial.start()
        trial.answered(EVERYBODY[:100])
        trial.answered(EVERYBODY[:30], recommender="recently-viewed")
        trial.answered(EVERYBODY[:20], arms=["spring/control"])
        trial.answered(EVERYBODY[:10], shopper=None)
        trial.do("end")

        canary = trial.start(run_id="by-hand")

        # Of 160 rows in four objects of about the same size, which are all read.
        assert (canary.planned_answers, canary.expected_answers) == (1_000, 100)

    def test_an_unknown_action_is_refused(self, trial: Trial) -> None:
        with pytest.raises(InvalidInput, match="action is 'stop', expected one of start, look, end"):
            trial.do("stop")


class TestLook:
    def test_nothing_speaks_against_a_version_that_is_as_good(self, trial: Trial) -> None:
        experiment = trial.start().experiment
        own = sum(experiment.arm_of(user).name == "candidate" for user in EVERYBODY)
        trial.answered(EVERYBODY)

        answer = trial.do("look")

        assert answer["state"] == "going"
        assert answer["reasons"][0] == f"{own} answers to {own} users, {1_000 - own} of the champion to {1_000 - own}"

    def test_after_its_time_it_is_champion(self, trial: Trial, counted: Callable[[], dict[str, float]]) -> None:
        trial.start()
        trial.answered(EVERYBODY)
        trial.now_ms += HOUR_MS

        answer = trial.do("look")

        assert answer["state"] == "promoted"
        assert (trial.pointer().version, trial.pointer().canary) == ("v2", None)
        assert trial.pointer().history[0].reason == "run v2: passed its canary"
        assert trial.approval("v2") == "Approved"
        assert trial.do("look")["state"] == "promoted"  # as Step Functions repeats it
        assert counted()["CanariesPromoted"] == 2

    def test_too_few_answers_are_said_and_do_not_hold_it_up(self, trial: Trial) -> None:
        trial.start()
        trial.answered(EVERYBODY[:30])
        trial.now_ms += HOUR_MS

        answer = trial.do("look")

        assert answer["state"] == "promoted"
        assert answer["reasons"][0] == "too few answers to compare: nothing spoke against it; the time before had 0"

    def test_a_silent_log_has_its_time_once_more_and_then_takes_it_back(self, trial: Trial) -> None:
        canary = trial.expecting(200)
        trial.answered(EVERYBODY[:9])
        trial.now_ms = canary.ends_ms

        again = trial.do("look")

        assert again["state"] == "going"
        assert again["reasons"][0] == (
            "the log is silent: 200 answers were expected; its trial goes on for its time once more"
        )
        assert (trial.canary().ends_ms, trial.report().ends_ms) == (canary.ends_ms + HOUR_MS, canary.ends_ms + HOUR_MS)
        trial.now_ms += HOUR_MS - 1
        assert trial.do("look")["state"] == "going"
        trial.now_ms += 1

        answer = trial.do("look")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"][0] == (
            "the log is silent: 200 answers were expected; a version that nobody saw at work does not become champion"
        )
        assert (trial.pointer().version, trial.pointer().canary) == ("v1", None)
        assert trial.approval("v2") == "PendingManualApproval"  # nothing was found against it
        assert trial.do("look") == answer

    def test_a_log_that_speaks_again_promotes(self, trial: Trial) -> None:
        trial.expecting(200)
        trial.now_ms += HOUR_MS
        assert trial.do("look")["state"] == "going"
        trial.answered(EVERYBODY[:10])
        trial.now_ms += HOUR_MS

        answer = trial.do("look")

        assert answer["state"] == "promoted"
        assert answer["reasons"][0].endswith("the time before had 200")

    @pytest.mark.parametrize(("expected", "answers"), [(None, 0), (0, 0), (199, 0), (200, 10)])
    def test_a_shop_with_few_visitors_gets_its_model(self, trial: Trial, expected: int | None, answers: int) -> None:
        trial.expecting(expected)
        trial.answered(EVERYBODY[:answers])
        trial.now_ms += HOUR_MS

        assert trial.do("look")["state"] == "promoted"

    def test_a_version_that_mostly_fails_is_taken_back_within_a_few_answers(
        self, trial: Trial, counted: Callable[[], dict[str, float]]
    ) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 20), degraded=["arm-model-unavailable"])
        trial.answered(trial.users("champion", 80))

        answer = trial.do("look")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"][0] == "fails outright: 100.0% of its 20 answers to 20 users are errors"
        assert (trial.pointer().version, trial.pointer().canary) == ("v1", None)
        assert trial.approval("v2") == "Rejected"
        assert trial.do("look") == answer  # as Step Functions repeats it
        assert counted()["CanariesRolledBack"] == 2

    def test_failures_of_both_are_not_the_versions(self, trial: Trial) -> None:
        trial.start()
        trial.answered(EVERYBODY, degraded=["model-slow"])

        assert trial.do("look")["state"] == "going"

    def test_what_is_not_the_models_fault_is_no_error(self, trial: Trial) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 200), degraded=["no-profile", "stale-catalogue"])
        trial.answered(trial.users("champion", 800))

        assert trial.do("look")["state"] == "going"

    def test_more_errors_than_allowed_take_it_back(self, trial: Trial) -> None:
        trial.start()
        failing = trial.users("candidate", 200)
        trial.answered(failing[:30], degraded=["model-failed"])  # 15%
        trial.answered([*failing[30:], *trial.users("champion", 800)])

        answer = trial.do("look")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"][0].startswith(
            "error rate: 15.00% of its answers are errors, 0.00% of the champion's; 1 points more are allowed (z "
        )

    def test_slower_answers_than_allowed_take_it_back(self, trial: Trial) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 200), took_ms=SLOW_MS)
        trial.answered(trial.users("champion", 800), took_ms=100.0)

        answer = trial.do("look")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"][0].startswith("latency: its answers take 250.0 ms, the champion's 100.0 ms; 50% more")

    def test_answers_a_little_slower_are_allowed(self, trial: Trial) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 200), took_ms=140.0)
        trial.answered(trial.users("champion", 800), took_ms=100.0)

        assert trial.do("look")["state"] == "going"

    @pytest.mark.parametrize("shown", [5, 0])
    def test_fewer_clicks_take_it_back(self, trial: Trial, shown: int) -> None:
        """By what was shown; where a shop reports no impressions, by answer."""
        trial.start()
        ours, theirs = trial.users("candidate", 300), trial.users("champion", 1_200)
        rows = trial.answered([*ours, *theirs])
        for number, row in enumerate(rows):
            row["clicks"] = row["shown_clicks"] = int(number >= 300 and number % 3 == 0)
            row["impressions"] = shown
        trial.attribute([{**row, "degraded": False} for row in rows])

        answer = trial.do("look")

        expected = "6.67%" if shown else "33.33%"
        assert answer["state"] == "rolled_back"
        assert answer["reasons"][0].startswith(
            f"click-through: its click-through is 0.00%, the champion's {expected} ("
        )

    def test_a_version_whose_answers_are_not_logged_is_taken_back(self, trial: Trial) -> None:
        trial.start()
        trial.answered(trial.users("champion", 400))

        answer = trial.do("look")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"][0] == "missing users: 0 of 400 users in the log are its own, 20% expected"

    def test_an_answer_counts_once_in_whatever_objects_it_lies(self, trial: Trial) -> None:
        trial.start()
        rows = trial.answered(EVERYBODY)
        trial.archive(rows)  # as compaction does

        trial.do("look")

        figures = trial.report().looks[-1].figures
        assert figures["candidate"]["answers"] + figures["champion"]["answers"] == 1_000

    def test_answers_of_an_earlier_canary_of_the_version_do_not_count(self, trial: Trial) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 50), degraded=["model-failed"])
        trial.do("end")
        trial.now_ms += 1_000
        trial.start(run_id="by-hand")

        trial.do("look", run_id="by-hand")

        assert trial.report().looks[-1].figures["candidate"]["answers"] == 0

    def test_the_report_has_every_look_with_its_figures(self, trial: Trial) -> None:
        trial.start()
        trial.answered(EVERYBODY)
        trial.do("look")
        trial.now_ms += HOUR_MS
        trial.do("look")

        report = document(trial.report())

        assert (report["state"], report["champion"], report["share"]) == ("promoted", "v1", 0.2)
        assert [look["state"] for look in report["looks"]] == ["going", "going", "promoted"]
        assert report["looks"][1]["figures"]["candidate"]["latency_ms"] == pytest.approx(10.0)
        assert [test["name"] for test in report["looks"][1]["figures"]["tests"]] == [
            "fails outright", "missing users", "error rate", "latency", "click-through",
        ]  # fmt: skip


class TestPeople:
    """What a person does meanwhile stands."""

    def test_another_promotion_stands(self, trial: Trial) -> None:
        trial.start()
        trial.publish("v3")
        trial.registry.promote("v3", reason="we need it now", now_ms=trial.now_ms)

        answer = trial.do("look")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"] == ["somebody took it out of the trial; champion is v3: we need it now"]
        assert trial.pointer().version == "v3"
        assert trial.approval("v2") == "PendingManualApproval"

    def test_the_versions_own_promotion_is_its_promotion(self, trial: Trial) -> None:
        trial.start()
        trial.registry.promote("v2", reason="I am sure", now_ms=trial.now_ms)

        answer = trial.do("look")

        assert answer == {"version": "v2", "state": "promoted", "reasons": ["it is champion: I am sure"]}
        assert trial.approval("v2") == "Approved"

    def test_a_promotion_between_looking_and_writing_stands(
        self, trial: Trial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.start()
        trial.now_ms += HOUR_MS
        trial.publish("v3")
        replace = Registry.replace

        def late(self: Registry, *arguments: Any, **named: Any) -> Any:
            monkeypatch.setattr(Registry, "replace", replace)
            trial.registry.promote("v3", reason="just now", now_ms=trial.now_ms)
            return replace(self, *arguments, **named)

        monkeypatch.setattr(Registry, "replace", late)

        assert trial.do("look")["state"] == "rolled_back"
        assert trial.pointer().version == "v3"

    def test_pinning_at_the_same_time_does_not_stop_a_rollback(
        self, trial: Trial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 20), degraded=["model-failed"])
        end = Registry.end_canary

        def late(self: Registry, expected: Any, **named: Any) -> Any:
            monkeypatch.setattr(Registry, "end_canary", end)
            self.pin(expected, ("v1",))
            with pytest.raises(ConcurrentUpdate):
                end(self, expected, **named)
            return end(self, expected, **named)

        monkeypatch.setattr(Registry, "end_canary", late)

        assert trial.do("look")["state"] == "rolled_back"
        assert (trial.pointer().canary, trial.pointer().pinned) == (None, ("v1",))

    def test_a_promotion_between_a_breach_and_its_rollback_stands(
        self, trial: Trial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 20), degraded=["model-failed"])
        end = Registry.end_canary

        def late(self: Registry, *arguments: Any, **named: Any) -> Any:
            monkeypatch.setattr(Registry, "end_canary", end)
            trial.registry.promote("v2", reason="we know better", now_ms=trial.now_ms)
            return end(self, *arguments, **named)

        monkeypatch.setattr(Registry, "end_canary", late)

        answer = trial.do("look")

        assert answer == {"version": "v2", "state": "promoted", "reasons": ["it is champion: we know better"]}
        assert (trial.pointer().version, trial.approval("v2")) == ("v2", "Approved")
        assert [look.state for look in trial.report().looks] == ["going", "promoted"]

    def test_a_promotion_right_after_a_rollback_keeps_its_approval(
        self, trial: Trial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 20), degraded=["model-failed"])
        write = CanaryReports.write

        def late(self: CanaryReports, report: CanaryReport) -> None:
            trial.registry.promote("v2", reason="we know better", now_ms=trial.now_ms)
            write(self, report)

        monkeypatch.setattr(CanaryReports, "write", late)

        assert trial.do("look")["state"] == "rolled_back"
        assert (trial.pointer().version, trial.approval("v2")) == ("v2", "PendingManualApproval")

    def test_promoting_the_champion_ends_the_trial_with_its_reason(self, trial: Trial) -> None:
        trial.start()
        trial.registry.promote("v1", reason="no trials before Christmas", now_ms=trial.now_ms)

        answer = trial.do("look")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"] == ["v1 stays champion: no trials before Christmas"]
        assert [promotion.version for promotion in trial.pointer().history] == ["v1"]

    @pytest.mark.parametrize("noted", [True, False])
    def test_a_repeated_start_does_not_begin_again_what_a_person_ended(self, trial: Trial, *, noted: bool) -> None:
        """Step Functions repeats a step whose answer got lost, also before anything was noted."""
        trial.start()
        if not noted:
            trial.s3.delete_object(Bucket=trial.artefacts, Key="registry/canaries/v2.json")
        trial.registry.end_canary(trial.pointer(), reason="not today")

        answer = trial.do("start")

        assert answer == {"version": "v2", "state": "rolled_back", "reasons": ["not today"]}
        assert trial.pointer().canary is None

    def test_a_rollback_whose_note_got_lost_is_told_again(self, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
        trial.start()
        trial.answered(trial.users("candidate", 20), degraded=["model-failed"])
        write = CanaryReports.write

        def broken(self: CanaryReports, report: CanaryReport) -> None:
            monkeypatch.setattr(CanaryReports, "write", write)
            raise Unavailable("S3 does not answer")

        monkeypatch.setattr(CanaryReports, "write", broken)
        with pytest.raises(Unavailable):
            trial.do("look")

        answer = trial.do("look")

        assert answer["state"] == "rolled_back"
        assert answer["reasons"][0].startswith("fails outright: 100.0% of its 20 answers to 20 users are errors; ")
        assert trial.approval("v2") == "Rejected"


def test_a_workflow_that_ends_early_takes_it_out(trial: Trial) -> None:
    trial.start()

    assert trial.do("end")["reasons"] == ["the workflow ended before the canary did"]
    assert trial.pointer().canary is None
    assert trial.do("end")["state"] == "rolled_back"


class TestRetention:
    def test_what_nothing_keeps_goes_at_the_end(self, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MODELS_KEPT", "1")
        handler._settings.cache_clear()
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

    def test_nothing_goes_where_the_configuration_cannot_be_read(
        self, trial: Trial, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        monkeypatch.setenv("MODELS_KEPT", "1")
        handler._settings.cache_clear()
        for version in ("old-1", "old-2"):
            trial.publish(version)
        trial.s3.put_object(Bucket=trial.artefacts, Key="config/current.json", Body=b"damaged")
        trial.start()
        trial.now_ms += HOUR_MS

        assert trial.do("look")["state"] == "promoted"

        assert trial.stored() == {"v1", "v2", "old-1", "old-2"}
        assert "versions cannot be retired" in logged()
