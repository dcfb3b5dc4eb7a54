"""Drafts of the rules: edits, checks, differences, publication, history and undo.

A draft consists of the configuration's parts `filters`, `recommenders` and `rules`, in the document's form. The other
parts of the configuration stay as they are.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alsolike.configuration.configuration import Configuration
from alsolike.configuration_document.document import FORMAT, parse
from alsolike.configuration_document.reader import Current
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound
from alsolike.schema.document import Fault, InvalidConfiguration, Path, dotted
from operations.configuration.checks import past_rules, undeclared_names
from operations.configuration.configuration_versions import BUILT_IN, ConfigurationStore, Version

PARTS = ("filters", "recommenders", "rules")
LISTS = ("promotions", "boosts", "demotions", "pins", "slate")
SINGLE = ("diversity", "exploration")
_NUMBERS = ("share", "factor", "position", "at_most", "spread", "dial", "new_for_days")

Draft = dict[str, dict[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """Change at a path of a draft, as texts. If only the order of a list changes, all its elements are in both
    `removed` and `added`.
    """

    path: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """Faults of a draft. A draft with errors cannot be published."""

    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """Version of the configuration that changed the rules."""

    version: Version
    previous: int
    changes: tuple[Change, ...]


def draft_of(document: Mapping[str, Any]) -> Draft:
    return {part: copy.deepcopy(dict(document.get(part) or {})) for part in PARTS}


def with_draft(document: Mapping[str, Any], draft: Mapping[str, Any]) -> dict[str, Any]:
    others = {name: part for name, part in document.items() if name not in PARTS}
    return {"format": FORMAT, **others, **{part: draft[part] for part in PARTS if draft.get(part)}}


def check(current: Current, draft: Mapping[str, Any], *, now_ms: int) -> Checked:
    """Check a draft without a comparison with the catalogue.

    Undeclared names in unchanged filters are warnings, because `alsolike config apply --force` applied them. A change
    of a rule set in a running experiment is a warning, because the report then mixes two treatments.
    """
    try:
        configuration = parse(with_draft(current.document, draft))
    except InvalidConfiguration as error:
        return Checked(error.faults)
    live = current.configuration()
    errors: list[Fault] = []
    warnings = list(past_rules(configuration, now_ms=now_ms))
    for fault in undeclared_names(configuration):
        name = str(fault.path[1])
        (warnings if live.filters.get(name) == configuration.filters[name] else errors).append(fault)
    warnings += _changed_treatments(live, configuration, now_ms=now_ms)
    return Checked(tuple(errors), tuple(warnings))


def _changed_treatments(before: Configuration, after: Configuration, *, now_ms: int) -> Iterator[Fault]:
    for experiment in after.experiments.values():
        for arm in experiment.arms if experiment.runs(now_ms) else ():
            if arm.rules is not None and before.rules.get(arm.rules) != after.rules[arm.rules]:
                message = f"changes the arm {experiment.label(arm)}, which runs: its report mixes both versions"
                yield Fault(("rules", arm.rules), message)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(_changes(draft_of(before), draft_of(after), ()))


def _changes(before: Any, after: Any, path: Path) -> Iterator[Change]:
    if before == after:
        return
    if (before or after) and all(value is None or isinstance(value, Mapping) for value in (before, after)):
        old, new = before or {}, after or {}
        for key in {**old, **new}:
            yield from _changes(old.get(key), new.get(key), (*path, key))
        return
    removed, added = _elements(before), _elements(after)
    if len(path) > 1 and isinstance(before, list) and isinstance(after, list):
        only_before, only_after = (
            [each for each in removed if each not in added],
            [each for each in added if each not in removed],
        )
        if only_before or only_after:  # otherwise only the order differs
            removed, added = only_before, only_after
    yield Change(dotted(path), tuple(map(_text, removed)), tuple(map(_text, added)))


def _elements(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(field)}" for name, field in value.items()) or "no rules"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def publish(
    store: ConfigurationStore, draft: Mapping[str, Any], *, version: int, by: str, reason: str, now_ms: int
) -> Current:
    """Publish a draft that was made from `version`. Equal rules create no version."""
    current = store.current()
    if current.version != version:
        raise ConcurrentUpdate(
            f"version {current.version} of the configuration is live, and the draft was made from version {version}: "
            "compare it with the live rules, then publish it again"
        )
    if errors := check(current, draft, now_ms=now_ms).errors:
        raise InvalidConfiguration(errors)
    document = with_draft(current.document, draft)
    return store.apply(current, document, text="", by=by, reason=reason, now_ms=now_ms)


def history(store: ConfigurationStore, *, limit: int) -> list[Entry]:
    """Return the versions that changed rules among the latest `limit` versions, latest first."""
    versions = store.history(limit=limit + 1)
    if len(versions) <= limit:
        versions.append(BUILT_IN)
    entries = [
        Entry(version, before.version, changes(before.document, version.document))
        for version, before in itertools.pairwise(versions)
    ]
    return [entry for entry in entries if entry.changes]


def before_last_change(store: ConfigurationStore, current: Current) -> Version:
    """Return the latest version of the configuration with other rules than the current ones."""
    for number in (*reversed(current.versions[:-1]), BUILT_IN.version):
        version = store.version(number)
        if changes(version.document, current.document):
            return version
    raise NotFound("the rules never changed, so there is nothing to undo")


# Edits. Each function changes the draft in place.


def add(draft: Draft, rules: str, kind: str | None, fields: Sequence[str]) -> None:
    """Add a rule set, or add a rule with fields of the form NAME=VALUE to a rule set."""
    if kind is None:
        if rules in draft["rules"]:
            raise InvalidInput(f"the rule set {rules!r} exists already, expected another name")
        draft["rules"][rules] = {}
        return
    found = _rule_set(draft, rules)
    rule: dict[str, Any] = {}
    _set_fields(rule, fields)
    if kind in LISTS:
        found.setdefault(kind, []).append(rule)
    elif kind in SINGLE and kind not in found:
        found[kind] = rule
    else:
        expected = f"`alsolike rules edit {rules} {kind}`" if kind in SINGLE else ", ".join((*LISTS, *SINGLE))
        raise InvalidInput(f"the kind of the new rule is {kind!r}, expected {expected}")


def edit(draft: Draft, rules: str, rule: str, fields: Sequence[str]) -> None:
    """Set fields of a rule, such as `pins.2` or `diversity`. An empty value removes the field."""
    kind, place = _find(draft, rules, rule)
    found = draft["rules"][rules][kind]
    if place is None and isinstance(found, list):
        raise InvalidInput(f"{rule} is a list, expected one of its rules, such as {rule}.1")
    _set_fields(found if place is None else found[place], fields)


def move(draft: Draft, rules: str, rule: str, to: int) -> None:
    """Move a rule to the place `to` in its list, counted from 1.

    A pin moves to the position `to`, and trades places with the pin there.
    """
    kind, place = _find(draft, rules, rule)
    if place is None:
        raise InvalidInput(f"{rule} is not in a list, expected a rule such as promotions.1")
    listed = draft["rules"][rules][kind]
    if kind == "pins":
        for other in listed:
            if other.get("position") == to:
                other["position"] = listed[place]["position"]
        listed[place]["position"] = to
    elif 1 <= to <= len(listed):
        listed.insert(to - 1, listed.pop(place))
    else:
        raise InvalidInput(f"the place is {to}, expected 1 to {len(listed)}")


def remove(draft: Draft, rules: str, rule: str | None) -> None:
    """Remove a rule set, the rules of a kind, or one rule, such as `pins.2`."""
    if rule is None:
        _rule_set(draft, rules)
        del draft["rules"][rules]
        return
    kind, place = _find(draft, rules, rule)
    found = draft["rules"][rules]
    if place is not None:
        del found[kind][place]
    if place is None or not found[kind]:
        del found[kind]


def assign(draft: Draft, recommender: str, rules: str | None) -> None:
    settings = draft["recommenders"].setdefault(recommender, {})
    settings.pop("rules", None)
    if rules is not None:
        settings["rules"] = rules
    if not settings:
        del draft["recommenders"][recommender]


def set_filter(draft: Draft, name: str, expression: str | None) -> None:
    if expression is not None:
        draft["filters"][name] = expression
    elif draft["filters"].pop(name, None) is None:
        raise NotFound(f"there is no filter {name!r}, expected one of {', '.join(draft['filters']) or 'none'}")


def _rule_set(draft: Draft, rules: str) -> dict[str, Any]:
    if rules not in draft["rules"]:
        raise NotFound(f"there is no rule set {rules!r}, expected one of {', '.join(draft['rules']) or 'none'}")
    found: dict[str, Any] = draft["rules"][rules]
    return found


def _find(draft: Draft, rules: str, rule: str) -> tuple[str, int | None]:
    """Return a rule's kind, and its index in a list. The index is None if `rule` names a kind."""
    found = _rule_set(draft, rules)
    kind, dot, number = rule.partition(".")
    listed = found.get(kind)
    if not dot and listed is not None:
        return kind, None
    if number.isdecimal() and isinstance(listed, list) and 1 <= int(number) <= len(listed):
        return kind, int(number) - 1
    known = [
        name
        for kind, listed in found.items()
        for name in (
            [f"{kind}.{number}" for number in range(1, len(listed) + 1)] if isinstance(listed, list) else [kind]
        )
    ]
    raise NotFound(f"{rules} has no rule {rule!r}, expected one of {', '.join(known) or 'none: it has no rules'}")


def _set_fields(rule: dict[str, Any], fields: Sequence[str]) -> None:
    for text in fields:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"the field is {text!r}, expected NAME=VALUE, such as position=1")
        if not value:
            rule.pop(name, None)
        elif name in _NUMBERS:
            rule[name] = _number(name, value)
        else:
            rule[name] = value.split(",") if name == "columns" else value


def _number(name: str, text: str) -> float:
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError as error:
        raise InvalidInput(f"{name} is {text!r}, expected a number") from error
