"""Parser and writer of the configuration document."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from alsolike.configuration.columns import CREATED, property_name
from alsolike.configuration.configuration import (
    DEFAULT,
    MAX_HISTORY_LENGTH,
    ColumnType,
    Configuration,
    EventType,
    Fatigue,
    Limits,
    Recommender,
    Sessions,
    Site,
)
from alsolike.configuration.rules import RuleSet
from alsolike.configuration_document.aliases import alias_to_document, parse_aliases
from alsolike.configuration_document.experiments import experiment_to_document, parse_experiments
from alsolike.configuration_document.filters import DeclaredFilters, parse_filters
from alsolike.configuration_document.limits import (
    MAX_ALIASES,
    MAX_CONTEXT_COLUMNS,
    MAX_FATIGUE,
    MAX_HALF_LIFE_HOURS,
    MAX_ORIGINS,
    MAX_WEIGHT,
)
from alsolike.configuration_document.rules import parse_rules, rule_set_to_document
from alsolike.declarations.limits import MAX_ITEM_COLUMNS
from alsolike.recommendations.request_fields import FOR_YOU, LISTING
from alsolike.schema.document import Fault, InvalidConfiguration, Node

FORMAT = 1
EMPTY_DOCUMENT: Mapping[str, Any] = MappingProxyType({"format": FORMAT})

_ITEM_REQUIRED = {"required": True, "optional": False}
_EVENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_ALIAS = re.compile(r"(?!\s)[^\x00-\x1f\x7f]{1,256}(?<!\s)")
COLUMN = re.compile(r"[a-z][A-Za-z0-9]{0,62}|(?=.{1,63}\Z)[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_SITE_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{2,62}")
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")
_COLUMN_FORM = "camelCase or UPPER_CASE with underscores, at most 63 characters"
_ITEM_ID, _USER_ID = "itemId", "userId"
# Field, minimum, maximum.
_LIMITS = (
    ("clock_skew_s", 0, 604_800),
    ("max_event_age_days", 1, 36_500),
    ("minimum_item_interactions", 1, 10_000),
    ("minimum_user_interactions", 1, 10_000),
    ("history_length", 1, MAX_HISTORY_LENGTH),
    ("retention_days", 1, 36_500),
)


def parse(document: object, *, version: int = 0, check_filters: bool = True) -> Configuration:
    """Parse a document, or raise `InvalidConfiguration` with all faults.

    If `check_filters` is false, filter expressions are not parsed, so that an invalid filter does not break functions
    that do not use it.
    """
    faults: list[Fault] = []
    parts = Node(document, faults).fields(
        "format", "events", "interactions", "items", "users", "filters", "recommenders", "aliases", "rules",
        "experiments", "sessions", "limits",
        required=("format",),
    )  # fmt: skip
    parts["format"].integer(FORMAT, FORMAT)
    interactions = parts["interactions"].fields("context")
    items = parts["items"].fields("columns", "variants")
    item_columns = _columns(items["columns"], own_id=_ITEM_ID)
    user_columns = _columns(parts["users"].fields("columns")["columns"], own_id=_USER_ID)
    filters = parse_filters(parts["filters"], check=check_filters, item_columns=item_columns, user_columns=user_columns)
    rules = parse_rules(parts["rules"], filters=filters, columns=item_columns)
    recommenders = _recommenders(parts["recommenders"], filters, rules)
    events = _events(parts["events"])
    configuration = Configuration(
        version=version,
        events=MappingProxyType(events),
        item_columns=MappingProxyType(item_columns),
        user_columns=MappingProxyType(user_columns),
        context=_context(interactions["context"]),
        variants=_variants(items["variants"]),
        filters=MappingProxyType(dict(filters.expressions)),
        recommenders=MappingProxyType(recommenders),
        aliases=MappingProxyType(
            parse_aliases(parts["aliases"], recommenders=recommenders, filters=filters, columns=item_columns)
        ),
        rules=MappingProxyType(rules),
        experiments=MappingProxyType(parse_experiments(parts["experiments"], recommenders=recommenders, rules=rules)),
        sessions=_sessions(parts["sessions"], filters, events),
        limits=_limits(parts["limits"]),
    )
    if faults:
        raise InvalidConfiguration(faults)
    return configuration


def to_document(configuration: Configuration) -> dict[str, Any]:
    """Return the complete document of a configuration, including built-in values."""
    item_required = {required: text for text, required in _ITEM_REQUIRED.items()}
    return {
        "format": FORMAT,
        "events": {
            event.name: {
                "weight": int(event.weight) if event.weight.is_integer() else event.weight,
                "item": item_required[event.item_required],
                "aliases": list(event.aliases),
            }
            for event in configuration.events.values()
        },
        "interactions": {"context": list(configuration.context)},
        "items": {
            "columns": {name: column.value for name, column in configuration.item_columns.items()},
            "variants": configuration.variants,
        },
        "users": {"columns": {name: column.value for name, column in configuration.user_columns.items()}},
        "filters": dict(configuration.filters),
        "recommenders": {
            recommender.name: {
                "filter": recommender.filter,
                "rules": recommender.rules,
                "swaps": recommender.swaps,
                **({"fatigue": dataclasses.asdict(recommender.fatigue)} if recommender.fatigue else {}),
            }
            for recommender in configuration.recommenders.values()
        },
        "aliases": {name: alias_to_document(alias) for name, alias in configuration.aliases.items()},
        "rules": {name: rule_set_to_document(rule_set) for name, rule_set in configuration.rules.items()},
        "experiments": {
            name: experiment_to_document(experiment) for name, experiment in configuration.experiments.items()
        },
        "sessions": {
            "events": list(configuration.sessions.events),
            "columns": list(configuration.sessions.columns),
            "filters": list(configuration.sessions.filters),
            "sites": {
                key: {"origins": list(site.origins), "recommenders": list(site.recommenders)}
                for key, site in configuration.sessions.sites.items()
            },
        },
        "limits": dataclasses.asdict(configuration.limits),
    }


def _events(node: Node) -> dict[str, EventType]:
    events = dict(DEFAULT.events)
    stated: dict[str, list[tuple[Node, str]]] = {}
    for name, entry in node.entries():
        if not _EVENT_NAME.fullmatch(name):
            entry.fault("is not a valid name, expected 1 to 63 lower-case letters, digits, - and _", at_key=True)
            continue
        fields = entry.fields("weight", "item", "aliases", required=() if name in events else ("weight",))
        values: dict[str, Any] = {}
        if fields["weight"].is_given:
            values["weight"] = fields["weight"].number(-MAX_WEIGHT, MAX_WEIGHT) or 0.0
        if item := fields["item"].choice(_ITEM_REQUIRED):
            values["item_required"] = _ITEM_REQUIRED[item]
        if fields["aliases"].is_given:
            stated[name] = [
                (alias, text.lower())
                for alias in fields["aliases"].elements(maximum=MAX_ALIASES)
                if (text := alias.text(_ALIAS, "1 to 256 characters without space around them"))
            ]
            values["aliases"] = tuple(spelling for _, spelling in stated[name])
        events[name] = dataclasses.replace(events.get(name, EventType(name, 0.0)), **values)
    _refuse_ambiguous_spellings(node, events, stated)
    if not any(event.weight > 0 for event in events.values()):
        node.fault("leave no interactions for training, expected a weight above 0 for at least one type", at_key=True)
    return events


def _refuse_ambiguous_spellings(
    node: Node, events: Mapping[str, EventType], stated: Mapping[str, list[tuple[Node, str]]]
) -> None:
    """Record a fault for each name or alias in the document that already stands for an event type."""
    owners = {name: name for name in events}
    for name, event in events.items():
        for spelling in event.aliases if name not in stated else ():
            if owners.setdefault(spelling, name) != name:
                node.child(spelling).fault(
                    f"is already an alias of {name}; set other aliases for {name} to free it", at_key=True
                )
    for name, aliases in stated.items():
        for alias, spelling in aliases:
            if spelling in owners:
                alias.fault(f"is {alias.value!r}, which stands for {owners[spelling]} already")
            owners.setdefault(spelling, name)


def _columns(node: Node, *, own_id: str) -> dict[str, ColumnType]:
    columns: dict[str, ColumnType] = {}
    entries = list(node.entries())
    if len(entries) > MAX_ITEM_COLUMNS:
        node.fault(f"has {len(entries)} columns, expected at most {MAX_ITEM_COLUMNS}")
    for stated, entry in entries:
        name = property_name(stated)
        if not COLUMN.fullmatch(stated):
            entry.fault(f"is not a valid column name, expected {_COLUMN_FORM}", at_key=True)
        elif name == own_id:
            entry.fault("is the ID, which every row has; expected only other columns", at_key=True)
        elif name in columns:
            entry.fault(f"is another spelling of {name}, which is already declared", at_key=True)
        elif name == CREATED and entry.value != ColumnType.TIMESTAMP:
            entry.expect("timestamp, the only type of this column")
            # Assume the only valid type, so that rules that need the column do not record a second fault.
            columns[name] = ColumnType.TIMESTAMP
        elif kind := entry.choice([column.value for column in ColumnType]):
            columns[name] = ColumnType(kind)
    return columns


def _context(node: Node) -> tuple[str, ...]:
    entries = node.elements(maximum=MAX_CONTEXT_COLUMNS)
    return tuple(dict.fromkeys(property_name(name) for entry in entries if (name := entry.text(COLUMN, _COLUMN_FORM))))


def _variants(node: Node) -> str | None:
    if not node.is_given:
        return DEFAULT.variants
    if node.value is None:
        return None
    name = node.text(COLUMN, f"a column, {_COLUMN_FORM}; null for no variants")
    return None if name is None else property_name(name)


def _recommenders(node: Node, filters: DeclaredFilters, rules: Mapping[str, RuleSet]) -> dict[str, Recommender]:
    recommenders = dict(DEFAULT.recommenders)
    for name, entry in node.entries():
        if name not in recommenders:
            entry.fault(f"is unknown, expected one of {', '.join(recommenders)}", at_key=True)
            continue
        names = ("filter", "rules", "swaps", *(("fatigue",) if name == FOR_YOU else ()))
        fields = {key: field.unless_null() for key, field in entry.fields(*names).items()}
        recommenders[name] = Recommender(
            name,
            filter=filters.choose(fields["filter"]),
            rules=fields["rules"].choice(rules, noun="the name of a rule set:"),
            swaps=fields["swaps"].number(0, 1) or 0.0,
            fatigue=_fatigue(fields["fatigue"]) if name == FOR_YOU else None,
        )
    return recommenders


def _fatigue(node: Node) -> Fatigue | None:
    fields = node.fields("strength", "half_life_hours", required=("strength", "half_life_hours"))
    strength = fields["strength"].number(0, MAX_FATIGUE)
    half_life_hours = fields["half_life_hours"].number(1, MAX_HALF_LIFE_HOURS)
    return Fatigue(strength, half_life_hours) if strength and half_life_hours else None


def _sessions(node: Node, filters: DeclaredFilters, events: Collection[str]) -> Sessions:
    fields = node.fields("events", "columns", "filters", "sites")
    columns = fields["columns"].elements(maximum=MAX_ITEM_COLUMNS)
    named = fields["filters"].elements(maximum=len(filters.expressions))
    sent = fields["events"].elements(maximum=len(events))
    types = tuple(name for entry in sent if (name := entry.choice(events, noun="the name of an event type:")))
    return Sessions(
        types if fields["events"].is_given else DEFAULT.sessions.events,
        tuple(property_name(name) for column in columns if (name := column.text(COLUMN, _COLUMN_FORM))),
        tuple(name for entry in named if (name := entry.choice(filters.expressions, noun="the name of a filter:"))),
        MappingProxyType(_sites(fields["sites"])),
    )


def _sites(node: Node) -> dict[str, Site]:
    sites = {}
    for key, entry in node.entries():
        if not _SITE_KEY.fullmatch(key):
            entry.fault("is not a valid site key, expected 3 to 63 lower-case letters, digits, - and _", at_key=True)
        fields = entry.fields("origins", "recommenders", required=("origins",))
        origins = fields["origins"].elements(maximum=MAX_ORIGINS)
        named = fields["recommenders"].elements(maximum=len(LISTING))
        recommenders = tuple(name for node in named if (name := node.choice(LISTING, noun="a recommender:")))
        sites[key] = Site(
            tuple(
                origin
                for node in origins
                if (origin := node.text(_ORIGIN, "https://HOST or https://HOST:PORT, or http:// with localhost"))
            ),
            recommenders if fields["recommenders"].is_given else LISTING,
        )
    return sites


def _limits(node: Node) -> Limits:
    fields = node.fields(*(name for name, _, _ in _LIMITS))
    fields["retention_days"] = fields["retention_days"].unless_null()
    values = {name: fields[name].integer(minimum, maximum) for name, minimum, maximum in _LIMITS}
    stated = {name: value for name, value in values.items() if value is not None}
    return dataclasses.replace(DEFAULT.limits, **stated)
