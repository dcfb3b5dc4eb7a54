"""Previews of rules: the answers to one request without them and with them.

The event is ``{"preview": {...}}``; see `alsolike.recommendations.requests.PREVIEW`. It may contain a configuration
that is not applied yet. The answers are not logged as served.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.config import document as configuration_document
from alsolike.contract import validation
from alsolike.recommendations.requests import PREVIEW
from alsolike.runtime.errors import NotFound
from functions.recommend.http.request import parse_preview
from functions.recommend.http.response import RankedItem
from functions.recommend.rules.merchandising import OWN
from functions.recommend.service import Recommender
from functions.recommend.state.serving_state import NO_CONFIGURATION


def preview(given: Any, *, recommender: Recommender) -> dict[str, Any]:
    """Return the list before and after the rules, and the rules that could not be fulfilled.

    Raises
    ------
    InvalidInput
        If it breaks the contract, or its configuration is invalid.
    NotFound
        If it names a rule set or a filter that the configuration does not have.
    """
    given = dict(validation.as_object(given, where="preview"))
    document = given.pop("configuration", None)
    fields = PREVIEW.read(given, "preview")
    state = recommender.state
    if document is not None:
        state = dataclasses.replace(
            state,
            configuration=configuration_document.parse(document),
            degraded=tuple(reason for reason in state.degraded if reason != NO_CONFIGURATION),
        )
    configuration = state.configuration
    name = fields.get("rules", OWN)
    if name != OWN and name not in configuration.rules:
        expected = ", ".join(configuration.rules) or "none: the configuration has no rules"
        raise NotFound(f"preview.rules is {validation.describe(name)}, expected {expected}")
    request = parse_preview(fields)
    recommender = dataclasses.replace(recommender, state=state)
    before = recommender.answer(request, rules=None)
    after = recommender.answer(request, rules=name)
    return {
        "recommender": request.recommender,
        "rules": after.rules,
        "before": [_item(item) for item in before.items],
        "after": [_item(item) for item in after.items],
        "gave": list(after.unmet_rules),
        "degraded": list(after.degraded),
        "source": before.source,
        "modelVersion": after.version,
    }


def _item(item: RankedItem) -> dict[str, Any]:
    document: dict[str, Any] = {"itemId": item.item_id, "score": item.score, "origin": item.origin}
    if item.propensity is not None:
        document["propensity"] = item.propensity
    if item.metadata:
        document["metadata"] = dict(item.metadata)
    return document
