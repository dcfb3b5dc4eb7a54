"""Comparison of the rules of a configuration with the catalogue.

The event is ``{"ruleCheck": {"configuration": ...}}``. The configuration need not be applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from alsolike.configuration.configuration import Configuration
from alsolike.configuration.rules import SCHEDULED, RuleSet
from alsolike.configuration_document import document as configuration_document
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterInputs
from alsolike.filters.tree import Filter
from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation
from alsolike.schema.document import Fault
from functions.recommend.direct.preview import drafted
from functions.recommend.service import Recommender
from functions.recommend.state.catalogue import ModelCatalogue

_NO_EFFECT = "so the rule has no effect"


def check_rules(given: Any, *, recommender: Recommender) -> dict[str, Any]:
    """Return warnings about pins without effect, and about filters that pass no item.

    Filters that depend on the request, such as on the user's interactions, are not evaluated.
    """
    document = validation.as_object(given, where="ruleCheck").get("configuration")
    state = drafted(recommender.state, configuration_document.parse(document))
    faults = _faults(state.configuration, state.catalogue, FilterInputs(now_ms=recommender.now_ms))
    return {"warnings": [{"path": list(fault.path), "message": fault.message} for fault in faults]}


def _faults(configuration: Configuration, catalogue: ModelCatalogue, inputs: FilterInputs) -> Iterator[Fault]:
    if catalogue.size == 1:
        return  # Without a model, no item has a position, so every filter would pass none.
    filters = {name: parser.parse(expression) for name, expression in configuration.filters.items()}
    filters = {name: filter_ for name, filter_ in filters.items() if _depends_on_items_only(filter_)}
    empty = {name for name, filter_ in filters.items() if not _passes_any(name, filter_, catalogue, inputs)}
    for name in configuration.filters:
        if name in empty:
            yield Fault(("filters", name), "passes no item of the catalogue")
    for rules in configuration.rules.values():
        for part in SCHEDULED:
            for place, rule in enumerate(getattr(rules, part)):
                if rule.until_ms is not None and rule.until_ms <= inputs.now_ms:
                    continue
                if getattr(rule, "filter", None) in empty:
                    message = f"passes no item of the catalogue, {_NO_EFFECT}"
                    yield Fault(("rules", rules.name, part, place, "filter"), message)
        yield from _pins(rules, configuration, catalogue, filters, inputs)


def _pins(
    rules: RuleSet,
    configuration: Configuration,
    catalogue: ModelCatalogue,
    filters: Mapping[str, Filter],
    inputs: FilterInputs,
) -> Iterator[Fault]:
    uses = {
        name: recommender.filter
        for name, recommender in configuration.recommenders.items()
        if recommender.rules == rules.name and recommender.filter in filters
    }
    for place, pin in enumerate(rules.pins):
        if pin.until_ms is not None and pin.until_ms <= inputs.now_ms:
            continue
        path = ("rules", rules.name, "pins", place, "item")
        if not catalogue.positions([pin.item_id])[0] and not catalogue.has_rows([pin.item_id])[0]:
            yield Fault(path, f"is {validation.describe(pin.item_id)}, which is not in the catalogue, {_NO_EFFECT}")
        elif not catalogue.passing([pin.item_id], None, inputs, name="")[0]:
            yield Fault(path, f"is {validation.describe(pin.item_id)}, which was deleted, {_NO_EFFECT}")
        else:
            for name, filter_name in uses.items():
                if not catalogue.passing([pin.item_id], filters[str(filter_name)], inputs, name=str(filter_name))[0]:
                    message = f"does not pass the filter {filter_name} of {name}, {_NO_EFFECT} there"
                    yield Fault(path, message)


def _depends_on_items_only(filter_: Filter) -> bool:
    return not (filter_.parameters or filter_.needs_user or filter_.needs_history or filter_.needs_item)


def _passes_any(name: str, filter_: Filter, catalogue: ModelCatalogue, inputs: FilterInputs) -> bool:
    try:
        mask = catalogue.mask(filter_, inputs, name=name)
    except InvalidInput:
        return True  # The check of the document reports undeclared columns.
    return mask is None or bool(np.any(mask[1 : catalogue.size] > -np.inf))
