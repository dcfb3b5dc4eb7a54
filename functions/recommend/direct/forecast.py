"""Lists of logged requests without and with a draft of the configuration or another model.

The event is ``{"forecast": {"configuration": ..., "model": ..., "requests": [...]}}`` whose requests have the form of a
replay; see `functions.recommend.direct.replay.REPLAY`. Without `configuration`, the live configuration applies. Without
`model`, the live models apply. The responses are not logged.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.configuration_document import document as configuration_document
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.schema import validation
from alsolike.schema.fields import Fields, ListOf, Text
from functions.recommend.direct.preview import drafted
from functions.recommend.direct.replay import REPLAY, past_recommender
from functions.recommend.http.request import parse_replay
from functions.recommend.service import Recommender
from functions.recommend.state.serving_state import ServingState

MAX_REQUESTS = 200

FORECAST = Fields(
    {"requests": ListOf(REPLAY, 0, MAX_REQUESTS), "model": Text(63, about="Version of a canary or of an experiment.")},
    required=("requests",),
)


def forecast_lists(given: Any, *, recommender: Recommender) -> dict[str, Any]:
    """Return `lists`: item IDs of the present list and of the draft's list, and `degraded`, for each request.

    A request that cannot be answered has `refused` with the reason.
    """
    given = dict(validation.as_object(given, where="forecast"))
    document = given.pop("configuration", None)
    event = FORECAST.read(given, "forecast")
    present_state = draft_state = dataclasses.replace(recommender.state, canary=None)
    if document is not None:
        draft_state = drafted(draft_state, configuration_document.parse(document))
    if (model := event.get("model")) is not None:
        if model not in draft_state.variants:
            loaded = ", ".join(draft_state.variants) or "none: there is no canary and no experiment on models"
            raise NotFound(f"forecast.model is {validation.describe(model)}, expected a loaded version: {loaded}")
        # The champion ranks every present list, and `model` ranks every list of the draft.
        present_state = _without_experiments(present_state)
        draft_state = _without_experiments(draft_state).with_model(model)
    states = present_state, draft_state
    lists: list[dict[str, Any]] = []
    for fields in event["requests"]:
        request = dataclasses.replace(parse_replay(fields), explain=False)
        try:
            answers = [
                past_recommender(fields, dataclasses.replace(recommender, state=state)).answer(request)
                for state in states
            ]
        except (InvalidInput, NotFound) as error:
            lists.append({"refused": str(error)})
            continue
        present, after = ([item.item_id for item in answer.items] for answer in answers)
        lists.append(
            {"present": present, "draft": after, "degraded": sorted({*answers[0].degraded, *answers[1].degraded})}
        )
    return {"lists": lists}


def _without_experiments(state: ServingState) -> ServingState:
    return dataclasses.replace(state, configuration=dataclasses.replace(state.configuration, experiments={}))
