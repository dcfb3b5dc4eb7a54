"""Previews of rules: responses to one request before and after a change of rules.

The event is ``{"preview": {...}}``; see `alsolike.recommendations.request_fields.PREVIEW`. The responses are not
logged.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.configuration.configuration import Configuration
from alsolike.configuration_document import document as configuration_document
from alsolike.configuration_document.client_resources import OwnNames
from alsolike.declarations.degraded_reasons import NO_CONFIGURATION
from alsolike.recommendations.request_fields import PREVIEW
from alsolike.runtime.errors import NotFound
from alsolike.schema import validation
from functions.recommend.http.request import parse_preview
from functions.recommend.http.response import RankedItem
from functions.recommend.resolve import OWN_RULES
from functions.recommend.service import Recommender
from functions.recommend.state.serving_state import ServingState


def preview(given: Any, *, recommender: Recommender) -> dict[str, Any]:
    """Return the lists before and after a change of rules.

    For a preview of a configuration or a rule set, the list before the change is the live list. For a preview of the
    recommender's own rules, the list before is ranked without rules.
    """
    given = dict(validation.as_object(given, where="preview"))
    document = given.pop("configuration", None)
    fields = PREVIEW.read(given, "preview")
    live, request = recommender, parse_preview(fields)
    if document is not None:
        configuration = configuration_document.parse(document)
        recommender = dataclasses.replace(recommender, state=drafted(recommender.state, configuration))
    rule_sets = recommender.state.configuration.rules
    name = fields.get("rules", OWN_RULES)
    if name != OWN_RULES and name not in rule_sets:
        expected = ", ".join(rule_sets) or "none: the configuration has no rules"
        raise NotFound(f"preview.rules is {validation.describe(name)}, expected {expected}")
    after = recommender.answer(request, rules=name)
    is_live = document is not None or name != OWN_RULES
    if is_live and request.filter_name is not None and request.filter_name not in live.state.configuration.filters:
        request = dataclasses.replace(request, filter_name=None, filter_values={})
    before = live.answer(request, rules=OWN_RULES if is_live else None)
    return {
        "recommender": request.recommender,
        "rules": after.rules,
        "before": [_item(item) for item in before.items],
        "beforeIsLive": is_live,
        "after": [_item(item) for item in after.items],
        "unmetRules": list(after.unmet_rules),
        "degraded": list(after.degraded),
        "source": before.source,
        "modelVersion": after.version,
    }


def drafted(state: ServingState, configuration: Configuration) -> ServingState:
    """Return the state under a configuration that is not applied, plus the names created by clients of Personalize."""
    configuration = OwnNames.of(state.configuration).added_to(configuration)
    return dataclasses.replace(
        state,
        configuration=configuration,
        catalogue=state.catalogue.under(configuration),
        degraded=tuple(reason for reason in state.degraded if reason != NO_CONFIGURATION),
        variants={version: (model, view.under(configuration)) for version, (model, view) in state.variants.items()},
    )


def _item(item: RankedItem) -> dict[str, Any]:
    document: dict[str, Any] = {"itemId": item.item_id, "score": item.score, "origin": item.origin}
    if item.propensity is not None:
        document["propensity"] = item.propensity
    if item.metadata:
        document["metadata"] = dict(item.metadata)
    return document
