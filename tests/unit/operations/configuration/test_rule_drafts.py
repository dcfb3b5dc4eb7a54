"""Drafts of the rules: edits, checks, differences, publication, history and undo."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from alsolike.configuration_document.document import parse
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound
from alsolike.schema.document import InvalidConfiguration
from operations.configuration import rule_drafts
from operations.configuration.configuration_versions import ConfigurationStore
from operations.configuration.rule_drafts import Change
from tests.fakes.places import BUCKET

DOCUMENT: dict[str, Any] = {
    "format": 1,
    "items": {"columns": {"BRAND": "string"}},
    "filters": {"own": 'INCLUDE ItemID WHERE Items.BRAND = "own"'},
    "recommenders": {"for-you": {"filter": "own", "rules": "spring"}},
    "rules": {
        "spring": {
            "pins": [{"item": "fig", "position": 1}, {"item": "plum", "position": 3}],
            "promotions": [
                {"filter": "own", "share": 0.1},
                {"filter": "own", "share": 0.2, "name": "b"},
                {"filter": "own", "share": 0.3, "name": "c"},
            ],
            "diversity": {"dial": 0.2, "columns": ["BRAND"]},
        }
    },
}
JULY_MS = 1_782_864_000_000


@pytest.fixture
def draft():
    return rule_drafts.draft_of(DOCUMENT)


@pytest.fixture
def empty(s3):
    return ConfigurationStore(s3, BUCKET)


@pytest.fixture
def store(empty):
    empty.apply(empty.current(), DOCUMENT, text="# mine", by="dev", reason="start", now_ms=1)
    return empty


def publish(store, draft, *, version=1):
    return rule_drafts.publish(store, draft, version=version, by="ann", reason="why", now_ms=2)


def edited(edit):
    draft = rule_drafts.draft_of(DOCUMENT)
    edit(draft)
    return draft["rules"]["spring"]


def test_draft_is_independent_of_its_document(draft):
    before = copy.deepcopy(DOCUMENT)

    rule_drafts.remove(draft, "spring", "pins.1")
    rule_drafts.edit(draft, "spring", "promotions.1", ["share=0.15"])

    assert before == DOCUMENT
    assert draft["rules"]["spring"]["pins"] == [{"item": "plum", "position": 3}]


def test_rule_is_added_with_typed_fields():
    pins = edited(lambda d: rule_drafts.add(d, "spring", "pins", ["item=4711", "position=2", "until=2027-03-31"]))
    single = edited(lambda d: rule_drafts.add(d, "spring", "exploration", ["share=0.05", "new_for_days=14"]))
    columns = edited(lambda d: rule_drafts.edit(d, "spring", "diversity", ["columns=BRAND,KIND", "dial=0.5"]))

    assert pins["pins"][2] == {"item": "4711", "position": 2, "until": "2027-03-31"}
    assert single["exploration"] == {"share": 0.05, "new_for_days": 14}
    assert columns["diversity"] == {"dial": 0.5, "columns": ["BRAND", "KIND"]}


def test_empty_value_removes_the_field():
    spring = edited(lambda d: rule_drafts.edit(d, "spring", "promotions.2", ["name="]))

    assert spring["promotions"][1] == {"filter": "own", "share": 0.2}


def test_promotion_is_moved_in_its_list():
    spring = edited(lambda d: rule_drafts.move(d, "spring", "promotions.3", 1))

    assert [each["share"] for each in spring["promotions"]] == [0.3, 0.1, 0.2]


@pytest.mark.parametrize(("to", "positions"), [(3, [3, 1]), (2, [2, 3]), (1, [1, 3])])
def test_moved_pin_trades_places_with_the_pin_at_its_target(to, positions):
    spring = edited(lambda d: rule_drafts.move(d, "spring", "pins.1", to))

    assert [each["position"] for each in spring["pins"]] == positions


@pytest.mark.parametrize(("rule", "left"), [("pins.2", ["fig"]), ("pins", None), ("diversity", ["fig", "plum"])])
def test_rules_are_removed_alone_or_by_kind(rule, left):
    spring = edited(lambda d: rule_drafts.remove(d, "spring", rule))

    assert (spring.get("pins") and [pin["item"] for pin in spring["pins"]]) == left


def test_last_rule_of_a_kind_leaves_no_empty_list():
    def remove_both(draft):
        rule_drafts.remove(draft, "spring", "pins.1")
        rule_drafts.remove(draft, "spring", "pins.1")

    assert "pins" not in edited(remove_both)


def test_rule_set_is_added_assigned_and_removed(draft):
    rule_drafts.add(draft, "autumn", None, [])
    rule_drafts.assign(draft, "popular", "autumn")
    assert (draft["rules"]["autumn"], draft["recommenders"]["popular"]) == ({}, {"rules": "autumn"})

    rule_drafts.assign(draft, "popular", None)
    rule_drafts.assign(draft, "for-you", None)
    rule_drafts.remove(draft, "autumn", None)

    assert draft["recommenders"] == {"for-you": {"filter": "own"}}
    assert list(draft["rules"]) == ["spring"]


@pytest.mark.parametrize(
    ("edit", "error", "message"),
    [
        (lambda d: rule_drafts.add(d, "spring", None, []), InvalidInput, "'spring' exists already"),
        (lambda d: rule_drafts.add(d, "sprnig", "pins", []), NotFound, "no rule set 'sprnig', expected one of spring"),
        (lambda d: rule_drafts.add(d, "spring", "pin", []), InvalidInput, "is 'pin', expected promotions, boosts"),
        (lambda d: rule_drafts.add(d, "spring", "diversity", []), InvalidInput, "`alsolike rules edit spring divers"),
        (lambda d: rule_drafts.add(d, "spring", "pins", ["item"]), InvalidInput, "is 'item', expected NAME=VALUE"),
        (lambda d: rule_drafts.edit(d, "spring", "pins.1", ["position=x"]), InvalidInput, "'x', expected a number"),
        (lambda d: rule_drafts.edit(d, "spring", "pins.3", []), NotFound, r"no rule 'pins.3', expected one of pins.1"),
        (lambda d: rule_drafts.edit(d, "spring", "pins.0", []), NotFound, "no rule 'pins.0'"),
        (
            lambda d: rule_drafts.edit(d, "spring", "pins", ["item=fig"]),
            InvalidInput,
            "pins is a list, expected one of",
        ),
        (lambda d: rule_drafts.remove(d, "spring", "pins."), NotFound, "no rule 'pins.', expected one of pins.1"),
        (lambda d: rule_drafts.edit(d, "spring", "boosts", []), NotFound, "promotions.3, diversity"),
        (lambda d: rule_drafts.move(d, "spring", "diversity", 1), InvalidInput, "diversity is not in a list"),
        (lambda d: rule_drafts.move(d, "spring", "promotions.1", 4), InvalidInput, "place is 4, expected 1 to 3"),
        (lambda d: rule_drafts.remove(d, "autumn", None), NotFound, "no rule set 'autumn'"),
        (lambda d: rule_drafts.set_filter(d, "sale", None), NotFound, "no filter 'sale', expected one of own"),
    ],
)
def test_impossible_edit_is_refused(draft, edit, error, message):
    with pytest.raises(error, match=message):
        edit(draft)


def test_differences_have_texts_of_the_removed_and_the_added(draft):
    rule_drafts.move(draft, "spring", "pins.1", 2)
    rule_drafts.move(draft, "spring", "promotions.3", 1)
    rule_drafts.edit(draft, "spring", "diversity", ["dial=0.5"])
    rule_drafts.add(draft, "plain", None, [])
    rule_drafts.assign(draft, "popular", "plain")
    rule_drafts.set_filter(draft, "own", None)

    first, second, third = (
        "filter own, share 0.1",
        "filter own, share 0.2, name b",
        "filter own, share 0.3, name c",
    )
    assert rule_drafts.changes(DOCUMENT, draft) == (
        Change("filters.own", ('INCLUDE ItemID WHERE Items.BRAND = "own"',), ()),
        Change("recommenders.popular.rules", (), ("plain",)),
        Change("rules.spring.pins", ("item fig, position 1",), ("item fig, position 2",)),
        Change("rules.spring.promotions", (first, second, third), (third, first, second)),
        Change("rules.spring.diversity.dial", ("0.2",), ("0.5",)),
        Change("rules.plain", (), ("no rules",)),
    )


def test_unchanged_draft_has_no_differences(draft):
    assert rule_drafts.changes(DOCUMENT, draft) == ()


def test_check_reports_errors_with_their_paths(store, draft):
    rule_drafts.edit(draft, "spring", "pins.2", ["position=1"])
    rule_drafts.edit(draft, "spring", "promotions.1", ["filter=nothing"])

    errors = rule_drafts.check(store.current(), draft, now_ms=2).errors

    assert [error.path for error in errors] == [
        ("rules", "spring", "promotions", 0, "filter"),
        ("rules", "spring", "pins", 1, "position"),
    ]


def test_filter_of_an_undeclared_column_is_an_error(store, draft):
    rule_drafts.set_filter(draft, "sale", "INCLUDE ItemID WHERE Items.SALE = true")

    (error,) = rule_drafts.check(store.current(), draft, now_ms=2).errors

    assert error.path == ("filters", "sale")
    assert "SALE" in str(error)


def test_undeclared_column_in_an_unchanged_filter_is_a_warning(store, draft):
    forced = {**DOCUMENT, "filters": {**DOCUMENT["filters"], "sale": "INCLUDE ItemID WHERE Items.SALE = true"}}
    current = store.apply(store.current(), forced, text="", by="", reason="", now_ms=2)

    checked = rule_drafts.check(current, rule_drafts.draft_of(forced), now_ms=2)

    assert checked.errors == ()
    assert [warning.path for warning in checked.warnings] == [("filters", "sale")]


@pytest.mark.parametrize("kind", ["pins", "promotions"])
def test_rule_that_has_ended_is_a_warning(store, draft, kind):
    rule_drafts.edit(draft, "spring", f"{kind}.1", ["until=2026-06-30"])

    checked = rule_drafts.check(store.current(), draft, now_ms=JULY_MS)

    assert checked.errors == ()
    assert [str(warning) for warning in checked.warnings] == [
        f"rules.spring.{kind}[0].until is past, so the rule has no effect"
    ]


@pytest.mark.parametrize(("now_ms", "warned"), [(JULY_MS, True), (JULY_MS - 40 * 86_400_000, False)])
def test_changed_rules_of_a_running_experiment_are_a_warning(store, draft, now_ms, *, warned):
    experiment = {
        "start": "2026-06-01T00:00:00Z",
        "end": "2026-08-01T00:00:00Z",
        "arms": {"a": {"share": 0.5}, "b": {"share": 0.5, "rules": "spring"}},
    }
    current = store.current()
    store.apply(current, {**DOCUMENT, "experiments": {"e": experiment}}, text="", by="", reason="", now_ms=2)
    rule_drafts.remove(draft, "spring", "pins")

    warnings = rule_drafts.check(store.current(), draft, now_ms=now_ms).warnings

    message = "rules.spring changes the arm e/b, which runs: its report mixes both versions"
    assert [str(warning) for warning in warnings] == ([message] if warned else [])


def test_published_draft_keeps_the_other_parts(store, draft):
    rule_drafts.remove(draft, "spring", "pins")

    published = publish(store, draft)

    assert published.version == 2
    assert published.document["items"] == DOCUMENT["items"]
    assert published.configuration().rules["spring"].pins == ()
    version = store.version(2)
    assert (version.by, version.reason, version.text) == ("ann", "why", "")


def test_draft_of_an_older_version_is_refused(store, draft):
    rule_drafts.remove(draft, "spring", "pins")
    publish(store, draft)

    with pytest.raises(ConcurrentUpdate, match=r"version 2 .* is live, and the draft was made from version 1"):
        publish(store, draft)

    assert store.current().version == 2


def test_invalid_draft_is_not_published(store, draft):
    rule_drafts.assign(draft, "popular", "nothing")

    with pytest.raises(InvalidConfiguration, match=r"recommenders\.popular\.rules"):
        publish(store, draft)

    assert store.current().version == 1


def test_equal_draft_creates_no_version(store, draft):
    assert publish(store, draft).version == 1


def test_history_has_only_versions_that_changed_the_rules(store, draft):
    current = store.current()
    store.apply(current, {**DOCUMENT, "limits": {"clock_skew_s": 1}}, text="", by="dev", reason="clock", now_ms=2)
    rule_drafts.remove(draft, "spring", "pins")
    publish(store, draft, version=2)

    entries = rule_drafts.history(store, limit=3)

    assert [entry.version.version for entry in entries] == [3, 1]
    assert entries[0].changes == (Change("rules.spring.pins", ("item fig, position 1", "item plum, position 3"), ()),)
    assert entries[1].changes[0].path == "filters.own"
    assert [entry.version.version for entry in rule_drafts.history(store, limit=2)] == [3]


def test_undo_finds_the_latest_version_with_other_rules(store, draft):
    assert rule_drafts.before_last_change(store, store.current()).version == 0
    rule_drafts.remove(draft, "spring", "pins")
    publish(store, draft)
    changed = {**store.current().document, "limits": {"clock_skew_s": 1}}
    store.apply(store.current(), changed, text="", by="dev", reason="clock", now_ms=2)

    assert rule_drafts.before_last_change(store, store.current()).version == 1


def test_undo_without_a_change_of_rules_is_refused(empty):
    with pytest.raises(NotFound, match="the rules never changed"):
        rule_drafts.before_last_change(empty, empty.current())


def test_draft_without_rules_is_a_valid_document():
    assert parse(rule_drafts.with_draft({}, {"rules": {}})).rules == {}
