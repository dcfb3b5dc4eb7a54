"""Comparison of a configuration file with the published catalogue."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

from alsolike.configuration.configuration import DEFAULT, Configuration
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterInputs
from alsolike.filters.tree import Filter
from alsolike.schema.document import Fault, Path, closest
from alsolike.schema.validation import describe
from alsolike.snapshot.snapshot import Snapshot
from operations.client.deployment import Deployment
from operations.configuration.file import ConfigurationFile
from operations.configuration.yaml_document import Finding
from operations.filters import catalogue


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Result of a comparison.

    `empty` are filters of recommenders and aliases that no item passes. `hints` are other filters that no item passes,
    and values, columns and items that the catalogue does not contain.
    """

    empty: tuple[Finding, ...] = ()
    hints: tuple[Finding, ...] = ()


def reads_catalogue(configuration: Configuration) -> bool:
    return bool(
        any(parser.parse(expression).needs_catalogue for expression in configuration.filters.values())
        or any(rules.pins for rules in configuration.rules.values())
        or _columns(configuration)
    )


def compare(file: ConfigurationFile, deployment: Deployment) -> Comparison:
    configuration = file.configuration
    snapshot = catalogue.read_snapshot(deployment).with_columns(configuration.item_columns)
    if not len(snapshot):
        return Comparison()
    undeclared = {finding.path for finding in file.undeclared}
    applied = {recommender.filter for recommender in configuration.recommenders.values()}
    applied |= {alias.filter for alias in configuration.aliases.values()}
    empty: list[Fault] = []
    hints = [*_pin_faults(configuration, snapshot), *_column_faults(configuration, snapshot)]
    for name, expression in configuration.filters.items():
        parsed, path = parser.parse(expression), ("filters", name)
        hints += [Fault(path, hint, offset=offset) for offset, hint in catalogue.unmatched_values(parsed, snapshot)]
        if path not in undeclared and _passes_none(parsed, snapshot, configuration):
            found = empty if name in applied else hints
            found.append(Fault(path, f"passes none of the {len(snapshot):,} items of the catalogue"))
    return Comparison(tuple(map(file.yaml.locate, empty)), tuple(map(file.yaml.locate, hints)))


def _passes_none(filter_: Filter, snapshot: Snapshot, configuration: Configuration) -> bool:
    """Return true if no item passes a filter now. False if the result depends on the request."""
    if filter_.needs_user or filter_.needs_history:
        return False
    now = FilterInputs(now_ms=time.time_ns() // 1_000_000)
    return catalogue.passing(filter_, snapshot, configuration, now) == 0


def _pin_faults(configuration: Configuration, snapshot: Snapshot) -> Iterator[Fault]:
    for rules in configuration.rules.values():
        for place, pin in enumerate(rules.pins):
            if snapshot.rows([pin.item_id])[0] < 0:
                path = ("rules", rules.name, "pins", place, "item")
                yield Fault(path, f"is {describe(pin.item_id)}, which is not in the catalogue")


def _column_faults(configuration: Configuration, snapshot: Snapshot) -> Iterator[Fault]:
    named = _columns(configuration)
    if not named:
        return
    known = {name for _, properties in snapshot.items() for name in properties}
    for path, name in named.items():
        if name not in known:
            near = closest(name, known)
            yield Fault(path, f"is {name}, which no item has" + (f", did you mean {near}?" if near else ""))


def _columns(configuration: Configuration) -> dict[Path, str]:
    """Return the undeclared columns in `items.variants` and `sessions.columns`, by path.

    The default column of `items.variants` is omitted.
    """
    named: dict[Path, str] = {("sessions", "columns", i): name for i, name in enumerate(configuration.sessions.columns)}
    if configuration.variants not in (None, DEFAULT.variants):
        named["items", "variants"] = str(configuration.variants)
    return {path: name for path, name in named.items() if name not in configuration.item_columns}
