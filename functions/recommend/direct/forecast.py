"""Lists of logged requests without and with a draft of the configuration.

The event is ``{"forecast": {"configuration": ..., "requests": [...]}}`` with requests as of a replay; see
`functions.recommend.direct.replay.REPLAY`. The responses are not logged.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.configuration_document import document as configuration_document
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.schema import validation
from alsolike.schema.fields import Fields, ListOf
from functions.recommend.direct.preview import drafted
from functions.recommend.direct.replay import REPLAY, past_recommender
from functions.recommend.http.request import parse_replay
from functions.recommend.service import Recommender

MAX_REQUESTS = 200

FORECAST = Fields({"requests": ListOf(REPLAY, 0, MAX_REQUESTS)}, required=("requests",))
"""Fields of the event except `configuration`, which is a configuration document that need not be applied."""


def forecast_lists(given: Any, *, recommender: Recommender) -> dict[str, Any]:
    """Return the item IDs of the present list and of the draft's list for each request.

    A request that cannot be answered without its unlogged parameters has `refused` with the reason.

    Raises
    ------
    InvalidInput
        If the event or its configuration is invalid.
    """
    given = dict(validation.as_object(given, where="forecast"))
    configuration = configuration_document.parse(given.pop("configuration", None))
    requests = FORECAST.read(given, "forecast")["requests"]
    draft = dataclasses.replace(recommender, state=drafted(recommender.state, configuration))
    lists: list[dict[str, Any]] = []
    for fields in requests:
        request = dataclasses.replace(parse_replay(fields), explain=False)
        try:
            answers = [past_recommender(fields, each).answer(request) for each in (recommender, draft)]
        except (InvalidInput, NotFound) as error:
            lists.append({"refused": str(error)})
            continue
        present, after = ([item.item_id for item in answer.items] for answer in answers)
        lists.append(
            {"present": present, "draft": after, "degraded": sorted({*answers[0].degraded, *answers[1].degraded})}
        )
    return {"lists": lists}
