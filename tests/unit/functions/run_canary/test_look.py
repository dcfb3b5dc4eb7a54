"""Check of a canary, which compares the arms and then promotes the version, rolls it back or continues."""

import pytest

from tests.unit.functions.run_canary.trial import EVERYBODY, HOUR_MS, document


def test_equal_version_continues_its_canary(trial):
    experiment = trial.start().experiment
    own = sum(experiment.arm_of(user).name == "candidate" for user in EVERYBODY)
    trial.answered(EVERYBODY)

    answer = trial.do("look")

    assert answer["state"] == "going"
    assert answer["reasons"][0] == f"{own} answers to {own} users, {1_000 - own} of the champion to {1_000 - own}"


def test_canary_without_a_breach_is_promoted_at_its_end(trial, counted):
    trial.start()
    trial.answered(EVERYBODY)
    trial.now_ms += HOUR_MS

    answer = trial.do("look")

    assert answer["state"] == "promoted"
    assert (trial.champion.version, trial.champion.canary) == ("v2", None)
    assert trial.champion.history[0].reason == (
        "run v2: the canary has no evidence about click-through: too few responses"
    )
    assert trial.approval("v2") == "Approved"
    assert trial.do("look")["state"] == "promoted"  # Step Functions may repeat a step.
    assert counted()["CanariesPromoted"] == 2


def test_canary_without_log_rows_is_extended_once_and_rolled_back(trial):
    canary = trial.expecting(200)
    trial.answered(EVERYBODY[:9])
    trial.now_ms = canary.ends_ms

    again = trial.do("look")

    assert again["state"] == "going"
    assert again["reasons"][0] == ("the log is silent: 200 responses were expected; the canary is extended once")
    assert (trial.canary().ends_ms, trial.report().ends_ms) == (canary.ends_ms + HOUR_MS, canary.ends_ms + HOUR_MS)
    trial.now_ms += HOUR_MS - 1
    assert trial.do("look")["state"] == "going"
    trial.now_ms += 1

    answer = trial.do("look")

    assert answer["state"] == "rolled_back"
    assert answer["reasons"][0] == (
        "the log is silent: 200 responses were expected; a version without observed responses does not become champion"
    )
    assert (trial.champion.version, trial.champion.canary) == ("v1", None)
    assert trial.approval("v2") == "PendingManualApproval"  # The canary has no evidence against the version.
    assert trial.do("look") == answer


def test_canary_with_late_log_rows_is_promoted(trial):
    trial.expecting(200)
    trial.now_ms += HOUR_MS
    assert trial.do("look")["state"] == "going"
    trial.answered(EVERYBODY[:10])
    trial.now_ms += HOUR_MS

    answer = trial.do("look")

    assert answer["state"] == "promoted"
    assert answer["reasons"][0].endswith("the period before the canary had 200")


@pytest.mark.parametrize(("expected", "answers"), [(None, 0), (0, 0), (199, 0), (200, 10)])
def test_canary_of_a_shop_with_few_visitors_is_promoted(trial, expected, answers):
    trial.expecting(expected)
    trial.answered(EVERYBODY[:answers])
    trial.now_ms += HOUR_MS

    assert trial.do("look")["state"] == "promoted"


def test_version_that_mostly_fails_is_rolled_back_after_20_responses(trial, counted):
    trial.start()
    trial.answered(trial.users("candidate", 20), degraded=["arm-model-unavailable"])
    trial.answered(trial.users("champion", 80))

    answer = trial.do("look")

    assert answer["state"] == "rolled_back"
    assert answer["reasons"][0] == "fails outright: 100.0% of its 20 answers to 20 users are errors"
    assert (trial.champion.version, trial.champion.canary, trial.champion.held) == ("v1", None, None)
    assert trial.approval("v2") == "Rejected"
    assert trial.do("look") == answer  # Step Functions may repeat a step.
    assert counted()["CanariesRolledBack"] == 2


@pytest.mark.parametrize(
    ("candidate", "champion", "state", "reason"),
    [
        ({"degraded": ["model-slow"]}, {"degraded": ["model-slow"]}, "going", ""),
        ({"degraded": ["no-profile", "stale-catalogue"]}, {}, "going", ""),
        ({"took_ms": 140.0}, {"took_ms": 100.0}, "going", ""),
        (
            {"took_ms": 250.0},
            {"took_ms": 100.0},
            "rolled_back",
            "latency: its answers take 250.0 ms, the champion's 100.0 ms; 50% more",
        ),
    ],
    ids=["both versions fail", "not errors of the model", "latency within the limit", "latency above the limit"],
)
def test_canary_is_rolled_back_only_for_worse_figures_of_its_version(trial, candidate, champion, state, reason):
    trial.start()
    trial.answered(trial.users("candidate", 200), **candidate)
    trial.answered(trial.users("champion", 800), **champion)

    answer = trial.do("look")

    assert answer["state"] == state
    assert answer["reasons"][0].startswith(reason)


def test_version_missing_in_the_log_is_rolled_back(trial):
    trial.start()
    trial.answered(trial.users("champion", 400))

    answer = trial.do("look")

    assert answer["state"] == "rolled_back"
    assert answer["reasons"][0] == "missing users: 0 of 400 users in the log belong to the version, 20% expected"


@pytest.mark.parametrize("shown", [5, 0])
def test_lower_click_through_is_rolled_back(trial, shown):
    """The click-through rate is per impression, or per response if a shop reports no impressions."""
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
    assert answer["reasons"][0].startswith(f"click-through: its click-through is 0.00%, the champion's {expected} (")


def test_response_in_several_objects_counts_once(trial):
    trial.start()
    rows = trial.answered(EVERYBODY)
    trial.archive(rows)  # Compaction writes the rows again.

    trial.do("look")

    figures = trial.report().looks[-1].figures
    assert figures["candidate"]["answers"] + figures["champion"]["answers"] == 1_000


def test_responses_of_an_earlier_canary_of_the_version_do_not_count(trial):
    trial.start()
    trial.answered(trial.users("candidate", 50), degraded=["model-failed"])
    trial.do("end")
    trial.now_ms += 1_000
    trial.start(run_id="by-hand")

    trial.do("look", run_id="by-hand")

    assert trial.report().looks[-1].figures["candidate"]["answers"] == 0


def test_report_has_every_check_with_its_figures(trial):
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


def test_responses_to_agents_are_no_evidence(trial):
    trial.start()
    trial.answered(EVERYBODY[:30], agent="assistant", degraded=["model"])
    trial.answered(EVERYBODY[30:])

    answer = trial.do("look")

    candidates = sum(trial.canary().experiment.arm_of(user).name == "candidate" for user in EVERYBODY[30:])
    assert (answer["state"], answer["reasons"][0].split()[0]) == ("going", str(candidates))
