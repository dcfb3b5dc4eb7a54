"""`alsolike experiments`, on a deployment in this process."""

import dataclasses
import time
from functools import partial

import pytest

from alsolike.configuration.experiments import Arm, Experiment
from alsolike.declarations.times import DAY_MS
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound
from alsolike.schema.document import InvalidConfiguration
from operations.configuration.configuration_versions import ConfigurationStore
from operations.experiments import planning
from tests.builders.outcome_rows import Outcome, store
from tests.unit.cli import command_line

HALVES = ("--arm", "control=0.5", "--arm", "new=0.5:rules=spring")
DOCUMENT = {"format": 1, "rules": {"spring": {}}, "recommenders": {}}


run = partial(command_line.run, "experiments")
document = partial(command_line.run_json, "experiments")


def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
def shop(deployment, select):
    """Return the configuration store of the subcommands' deployment, with one rule set and no experiment."""
    configuration = ConfigurationStore(select(deployment).client("s3"), deployment.names.artefact_bucket)
    configure(configuration)
    return configuration


def configure(configuration, **experiments):
    document = DOCUMENT | {"experiments": experiments}
    configuration.apply(configuration.current(), document, text="", by="test", reason="test", now_ms=0)


def spring(**stated):
    arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "rules": "spring"}}
    return {"start": "2026-01-01T00:00:00Z", "arms": arms, **stated}


def test_experiment_is_started_listed_shown_and_stopped(shop):
    started = run("start", "spring", *HALVES, "--layer", "home", "--yes", "--reason", "it is spring", exit_code=0)

    assert "spring starts: version 2 is live" in started.stderr
    version = shop.version(2)
    assert (version.reason, version.document["rules"]) == ("it is spring", {"spring": {}})
    assert "experiments:\n  spring:\n    layer: home\n" in version.text
    experiment = shop.current().configuration().experiments["spring"]
    assert experiment.arms == (Arm("control", 0.5), Arm("new", 0.5, rules="spring"))
    assert (experiment.layer, experiment.on, experiment.end_ms) == ("home", ("for-you",), None)
    assert abs(experiment.start_ms - now_ms()) < 60_000
    assert [(entry["name"], entry["status"]) for entry in document("list")] == [("spring", "running")]
    assert document("show", "spring")["arms"] == {"control": {"share": 0.5}, "new": {"share": 0.5, "rules": "spring"}}

    declined = run("stop", "spring", input="n\n")
    stopped = run("stop", "spring", "--yes")

    assert "stop spring on shop for good? [y/N]" in declined.stderr
    assert stopped.stdout == "spring is stopped: version 3 is live; functions follow within a minute\n"
    assert [(entry["name"], entry["status"]) for entry in document("list")] == [("spring", "ended")]
    assert shop.current().configuration().experiments["spring"].start_ms == experiment.start_ms
    with pytest.raises(InvalidInput, match="spring ended"):
        run("stop", "spring")


def test_lists_without_experiments_have_a_message(shop):
    assert run("list").stdout == "there is no experiment; `alsolike experiments start` makes one\n"
    assert run("assign", "--user", "anna").stdout == "no experiment runs\n"
    assert document("list") == []


def test_piped_tables_have_no_colours(shop):
    configure(shop, spring=spring())

    listed = run("list").stdout

    assert "\x1b" not in listed
    (row,) = command_line.cells(listed)
    assert row == [
        "spring", "running", "for-you", "default", "2026-01-01 00:00", "", "control 50%, new 50% rules spring",
    ]  # fmt: skip


def test_start_requires_confirmation_and_dry_run_changes_nothing(shop):
    declined = run("start", "spring", *HALVES, input="n\n", exit_code=1)
    dry = run("start", "spring", *HALVES, "--dry-run", exit_code=0)

    assert "start spring on shop? [y/N]" in declined.stderr
    assert dry.stdout.startswith("experiments:\n  spring:\n")
    assert shop.current().version == 1
    assert run("start", "spring", *HALVES, input="y\n").exit_code == 0
    assert shop.current().version == 2


def test_plan_uses_the_traffic_of_the_days_before(shop, deployment):
    days_before = [now_ms() - day * DAY_MS for day in range(8)]  # The plan excludes today.
    rows = [Outcome(f"{user}", day, clicks=int(user % 5 == 0)) for day in days_before for user in range(100)]
    store(deployment.client("s3"), deployment.names.lake_bucket, rows)

    started = run("start", "spring", *HALVES, "--yes", "--metric", "clicks", "--effect", "0.2")

    assert started.stderr.splitlines()[0] == ("in 14 days, going by the last 7: 200 users, 1,400 answers, clicks 0.2")
    assert "finds a lift of" in started.stderr.splitlines()[1]
    assert started.stderr.splitlines()[2].startswith("a lift of 20.0% takes ")
    assert "too few" not in started.stderr
    experiment = shop.current().configuration().experiments["spring"]
    assert (experiment.planned_answers, experiment.metric) == (1_400, "clicks")
    assert document("report", "spring")["metric"] == "clicks"
    assert document("report", "spring", "--metric", "buyers")["metric"] == "buyers"


def test_too_few_known_users_for_a_verdict_have_a_warning(shop, deployment):
    profiles = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)
    for profile_id in ("u#anna", "u#ben", "s#visit"):
        profiles.add(profile_id, [RecentInteraction(1, "e", "fig", "view")], now_ms=1)
    arms = ("--arm", "control=0.8", "--arm", "new=0.2:rules=spring")

    planned = run("start", "spring", *arms, "--dry-run")

    assert planned.stderr.splitlines()[-1] == (
        "warning: 2 users are too few for a verdict: 100 are needed in each arm, which are 500 with these shares"
    )


def test_used_name_or_conflicting_layer_is_refused(shop):
    run("start", "spring", *HALVES, "--yes")

    with pytest.raises(InvalidInput, match="an experiment 'spring' already exists"):
        run("start", "spring", *HALVES, "--yes")
    with pytest.raises(InvalidConfiguration, match="runs at the same time as spring in the layer 'default'"):
        run("start", "other", *HALVES, "--yes")


def test_concurrent_configuration_change_is_not_overwritten(shop, monkeypatch):
    lines = planning.lines

    def meanwhile(plan):
        configure(shop, other=spring(layer="other", arms={"a": {"share": 0.5}, "b": {"share": 0.5}}))
        return lines(plan)

    monkeypatch.setattr(planning, "lines", meanwhile)

    with pytest.raises(ConcurrentUpdate):
        run("start", "spring", *HALVES, "--yes")
    assert list(shop.current().configuration().experiments) == ["other"]


def test_assign_returns_the_arms_of_a_user(shop):
    configure(shop, spring=spring(), past=spring(start="2020-01-01T00:00:00Z", end="2020-02-01T00:00:00Z"))
    expected = Experiment("spring", "default", 0, None, (Arm("control", 0.5), Arm("new", 0.5))).arm_of("anna").name

    assert document("assign", "--user", "anna") == {"user": "anna", "arms": {"spring": expected}}


def test_winner_must_be_an_arm_and_is_in_the_history(shop):
    configure(shop, spring=spring())

    with pytest.raises(NotFound, match="spring has no arm 'newer', expected one of control, new"):
        run("stop", "spring", "--winner", "newer")
    run("stop", "spring", "--yes", "--winner", "new")

    assert shop.version(3).reason == "experiment spring stops, new wins"


@pytest.mark.parametrize(
    ("target", "next_step"),
    [
        ({"rules": "spring"}, "for all users: apply a configuration with `recommenders: {for-you: {rules: spring}}`"),
        ({"model": "v2"}, "for all users: alsolike models promote v2 --reason 'new won spring'"),
        ({"recommender": "buy-again"}, "for all users: request buy-again in place of for-you"),
        ({}, "for-you: all users get the normal settings, as new did"),
    ],
)
def test_stop_with_a_winner_prints_the_next_step(target, next_step, shop):
    configure(shop, spring=spring(arms={"control": {"share": 0.5}, "new": {"share": 0.5, **target}}))

    assert run("stop", "spring", "--yes", "--winner", "new").stdout.splitlines()[-1] == next_step


def test_experiment_that_has_not_started_is_removed_by_stop(shop):
    configure(shop, spring=spring(start="2199-01-01T00:00:00Z"))

    run("stop", "spring", "--yes")

    assert document("list") == []


def test_report_counts_the_outcomes_of_the_lake(shop, deployment):
    configure(shop, spring=spring(start="2026-01-01T00:00:00Z", end="2026-01-11T00:00:00Z"))
    start_ms = 1_767_225_600_000
    rows = [
        Outcome(f"{arm}-{user}", start_ms + day * DAY_MS, (f"spring/{arm}",), shown_clicks=int(user < clickers))
        for arm, clickers in (("control", 40), ("new", 110))
        for user in range(200)
        for day in (0, 5, 10)  # The last day is after the experiment.
    ]
    rows += [dataclasses.replace(row, served_ms=start_ms - DAY_MS, shown_clicks=0) for row in rows[::3]]
    store(deployment.client("s3"), deployment.names.lake_bucket, [*rows, Outcome("anna", start_ms, ("spring/nova",))])

    report = document("report", "spring")
    printed = run("report", "spring").stdout

    assert (report["verdict"], report["winner"], report["status"]) == ("better", "new", "ended")
    assert [(arm["name"], arm["users"], arm["answers"], arm["value"]) for arm in report["arms"]] == [
        ("control", 200, 400, 80 / 1_600),
        ("new", 200, 400, 220 / 1_600),
    ]
    assert (report["days"], report["of_days"]) == (2, 10)
    assert report["excluded"]["unknown_arms"] == {"nova": 1}
    assert "\x1b" not in printed
    assert "new is better than control: +175.0% click-through" in printed
    assert "left out  1 response in the unknown arm nova" in printed
    assert "days      2 of 10 have answers" in printed


@pytest.mark.parametrize("verb", ["report", "show", "stop"])
def test_unknown_experiment_error_lists_the_known_ones(verb, shop):
    configure(shop, spring=spring())

    with pytest.raises(NotFound, match="there is no experiment 'sprung', expected one of the configuration's: spring"):
        run(verb, "sprung")


def test_report_before_the_start_is_refused(shop):
    configure(shop, spring=spring(start="2199-01-01T00:00:00Z"))

    with pytest.raises(InvalidInput, match="spring starts 2199-01-01 00:00 UTC; there is nothing to report yet"):
        run("report", "spring")
