"""`alsolike rules`, with an invoked function in this process."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.recommendations import recommend_invocations
from alsolike.runtime.errors import NotFound, Unavailable
from operations.configuration import file
from operations.configuration.configuration_versions import ConfigurationStore
from tests.unit.cli import command_line
from tests.unit.cli.stub_function import StubFunction

DOCS = Path(__file__).parents[3] / "docs"
ARMS = {"a": {"share": 0.5}, "b": {"share": 0.5, "rules": "spring"}}
DOCUMENT: dict[str, Any] = {
    "format": 1,
    "filters": {"own": 'INCLUDE ItemID WHERE Items.BRAND IN ("own")'},
    "recommenders": {"popular": {"rules": "spring"}},
    "experiments": {
        name: {"start": start, "end": end, "layer": name, "arms": ARMS}
        for name, start, end in (
            ("e", "2026-01-01T00:00:00Z", None),
            ("ended", "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"),
        )
    },
    "rules": {
        "spring": {
            "promotions": [{"filter": "own", "share": 0.2}],
            "pins": [{"item": "fig", "position": 1}, {"item": "plum", "position": 3}],
        },
        "none": {},
    },
}
FOUND = {
    "recommender": "for-you",
    "rules": "spring",
    "before": [{"itemId": "fig", "score": 2.0, "origin": "ranked", "metadata": {"TITLE": "Fig"}}],
    "after": [
        {"itemId": "kiwi", "score": 0.0, "origin": "promoted:sale"},
        {"itemId": "fig", "score": 2.0, "origin": "ranked", "propensity": 0.75, "metadata": {"TITLE": "Fig"}},
    ],
    "beforeIsLive": False,
    "unmetRules": ["pin:plum filtered"],
    "degraded": ["stale-model"],
    "source": "model",
    "modelVersion": "v1",
}

CATALOGUE: dict[str, Any] = {"warnings": []}
"""Response of the function to a comparison with the catalogue."""


run = functools.partial(command_line.run, "rules")


@pytest.fixture(autouse=True)
def store(deployment, client, select):
    found = ConfigurationStore(client("s3"), deployment.names.artefact_bucket)
    found.apply(found.current(), DOCUMENT, text="", by="test", reason="test", now_ms=0)
    select(dataclasses.replace(deployment, client=StubFunction(deployment, CATALOGUE).client))
    return found


@pytest.fixture
def requests(monkeypatch):
    """Return the requests that the function receives. Its response is always the same."""
    questions: list[dict[str, Any]] = []

    def ask(_, function, fields):
        questions.append({name: value for name, value in fields.items() if value is not None})
        return FOUND

    monkeypatch.setattr(recommend_invocations, "ask", ask)
    return questions


def test_rule_sets_are_listed_with_their_parts_and_uses():
    assert json.loads(run("list", "--json").stdout) == [
        {"name": "spring", "rules": {"promotions": 1, "pins": 2}, "recommenders": ["popular"], "arms": ["e/b"]},
        {"name": "none", "rules": {}, "recommenders": [], "arms": []},
    ]
    assert "1 promotions, 2 pins" in run("list").stdout
    assert "popular, e/b" in run("list").stdout


def test_rule_set_is_shown_as_in_the_file():
    assert run("show", "spring").stdout.splitlines()[:3] == ["rules:", "  spring:", "    promotions:"]
    assert json.loads(run("show", "spring", "--json").stdout)["rules"] == DOCUMENT["rules"]["spring"]
    with pytest.raises(NotFound, match="there are no rules called autumn, expected spring, none"):
        run("show", "autumn")


def test_edit_that_contradicts_the_catalogue_prints_a_warning(monkeypatch):
    path = ["rules", "none", "pins", 0, "item"]
    monkeypatch.setitem(CATALOGUE, "warnings", [{"path": path, "message": 'is "fog", which is not in the catalogue'}])

    added = run("add", "none", "pins", "item=fog", "position=2")

    assert 'warning: rules.none.pins[0].item is "fog", which is not in the catalogue' in added.stderr
    assert "version 2 is live" in added.stdout


def test_edits_are_published_one_by_one_and_undone(store):
    added = run("add", "none", "pins", "item=fig", "position=2", "--reason", "figs first")
    assert added.stdout.splitlines() == [
        "rules.none.pins",
        "  + item fig, position 2",
        "version 2 is live; functions follow within a minute",
    ]
    assert store.version(2).reason == "figs first"

    run("edit", "none", "pins.1", "position=1")
    run("move", "none", "pins.1", "3")
    run("add", "winter")
    run("assign", "trending", "winter")
    run("filter", "all", 'EXCLUDE ItemID WHERE Items.ITEM_ID IN ("")')
    removed = json.loads(run("remove", "none", "pins.1", "--json").stdout)
    assert removed == {
        "version": 8,
        "changes": [{"path": "rules.none.pins", "removed": ["item fig, position 3"], "added": []}],
    }
    configuration = store.current().configuration()
    assert configuration.recommenders["trending"].rules == "winter"
    assert "all" in configuration.filters

    assert "  + item fig, position 3" in run("undo").stdout
    assert store.version(9).reason == "rules of version 7"
    run("undo", "--to", "1")
    assert {**store.current().document} == DOCUMENT


def test_edit_of_a_running_experiments_rules_prints_a_warning():
    assert "warning: rules.spring changes the arm e/b" in run("remove", "spring", "pins").stderr


def test_edit_without_effect_creates_no_version(store):
    shown = run("edit", "spring", "pins.1", "position=1").stdout

    assert shown == "no change: version 1 has the same rules\n"
    assert store.current().version == 1


def test_history_lists_changes_with_author_and_reason():
    run("remove", "spring", "pins.2", "--reason", "plums are over")

    (latest, first) = json.loads(run("history", "--json").stdout)

    assert (latest["version"], latest["reason"]) == (2, "plums are over")
    assert latest["changes"] == [{"path": "rules.spring.pins", "removed": ["item plum, position 3"], "added": []}]
    assert (first["version"], first["by"]) == (1, "test")
    assert "- item plum, position 3" in run("history").stdout


def test_published_draft_is_shown_as_a_file_without_defaults():
    run("remove", "none")

    shown = command_line.run("config", "show").stdout

    assert "clock_skew_s" not in shown
    assert "spring:" in shown


def test_preview_shows_both_lists_side_by_side(requests):
    lines = run("preview", "--user", "anna", "--exclude", "pear").stdout.splitlines()

    assert requests == [{"userId": "anna", "numResults": 10, "exclude": ["pear"], "metadata": ["TITLE"]}]
    rows = [line[1:-1].split("│") for line in lines if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["1", "fig Fig", "kiwi", "promoted:sale", ""],
        ["2", "", "fig Fig", "ranked", "0.7500"],
    ]
    assert lines[-3:] == ["rules spring, for-you, model v1", "unsatisfied: pin:plum filtered", "degraded: stale-model"]


def test_preview_accepts_a_file_that_is_not_applied(requests, tmp_path):
    draft = tmp_path / "draft.yaml"
    draft.write_text('format: 1\nrules: {autumn: {pins: [{item: "7", position: 1}]}}\n')

    result = run("preview", "--item", "fig", "--file", str(draft), "--rules", "autumn", "--metadata", "", "--json")

    assert json.loads(result.stdout) == FOUND
    (question,) = requests
    assert question["recommender"] == "similar-items"
    assert question["configuration"] == {"format": 1, "rules": {"autumn": {"pins": [{"item": "7", "position": 1}]}}}


def test_preview_names_the_live_list_and_shows_several_columns(requests, monkeypatch):
    before = [{"itemId": "fig", "score": 2.0, "origin": "ranked", "metadata": {"TITLE": "Fig", "PRICE": 2}}]
    monkeypatch.setitem(FOUND, "before", before)
    monkeypatch.setitem(FOUND, "beforeIsLive", True)

    shown = run("preview", "--user", "anna", "--metadata", "TITLE", "--metadata", "PRICE").stdout

    assert requests[0]["metadata"] == ["TITLE", "PRICE"]
    assert "fig Fig 2" in shown
    assert "live" in shown
    assert "without rules" not in shown


def test_preview_summarises_several_users(requests, deployment, client):
    profiles = ProfileStore(client("dynamodb"), deployment.names.profiles_table)
    for profile_id in ("u#anna", "u#ben", "s#visit"):
        profiles.add(profile_id, [RecentInteraction(1, "e", "fig", "view")], now_ms=1)

    found = json.loads(run("preview", "--users", "5", "--json").stdout)
    shown = run("preview", "--users", "1").stdout

    assert sorted(question["userId"] for question in requests[:2]) == ["anna", "ben"]
    assert found == {
        "users": 2,
        "positions": 4,
        "changed_positions": 2,
        "changed_users": 2,
        "origins": {"promoted:sale": 2, "ranked": 2},
        "unmet": {"pin:plum filtered": 2},
        "degraded": {"stale-model": 2},
        "before_is_live": False,
    }
    assert "2 positions for 1 user" in shown
    assert "1 positions have an item that is not in the list without rules, for 1 user" in shown
    assert "unsatisfied: pin:plum filtered, for 1 user" in shown


def test_documented_rules_are_valid():
    (example,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "rules.md").read_text(), re.DOTALL)

    checked = file.check(example, name="rules.md", now_ms=0)

    assert checked.warnings == ()
    assert checked.configuration.recommenders["for-you"].rules == "spring"
    rules = checked.configuration.rules["spring"]
    assert all(getattr(rules, field.name) for field in dataclasses.fields(rules))


def throttled(_):
    raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ({"refused": {"type": "NotFound", "message": "no such rules"}}, NotFound, "^no such rules$"),
        ({"errorType": "KeyError", "errorMessage": "x"}, Unavailable, "^KeyError: x$"),
        (throttled, Unavailable, "^function f: "),
    ],
)
def test_preview_error_of_the_function_is_raised(answer, error, says, deployment):
    with pytest.raises(error, match=says):
        recommend_invocations.ask(StubFunction(deployment, answer), "f", {"userId": "anna"})
