"""Recommended actions for a user by propensity and value, with exploration by Thompson sampling."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from alsolike.bundle.action_model import ActionModel, propensities
from alsolike.catalogue.actions import Action
from alsolike.configuration.columns import as_declared
from alsolike.declarations.degraded_reasons import ACTION_RATES, NO_CATALOGUE, PROFILE_UNAVAILABLE
from alsolike.declarations.times import DAY_MS
from alsolike.events.action_events import ActionEvent
from alsolike.events.interactions import profile_id
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import logger
from functions.recommend.http.request import ActionRequest
from functions.recommend.http.response import ActionAnswer
from functions.recommend.state.serving_state import ServingState
from functions.recommend.state.stores import ActionSources, UserStores
from functions.recommend.user_data import StoredUser


def recommend_actions(
    request: ActionRequest,
    *,
    state: ServingState,
    stores: UserStores,
    sources: ActionSources,
    recommendation_id: str,
    now_ms: int,
) -> ActionAnswer:
    """Return the best valid actions, best first.

    Actions are sorted by value times a propensity that is drawn from its posterior. The exploration weight scales the
    width of the posterior. The random numbers depend only on the recommendation ID. The scores are the propensities
    without exploration.
    """
    exploration = request.exploration(state.configuration.aliases)
    user = StoredUser(stores, user_id=request.user_id, session_id=None, length=1)
    model = ActionModel.none() if state.model is None else state.model.bundle.actions
    degraded: dict[str, None] = dict.fromkeys(reason for reason in state.degraded if reason != NO_CATALOGUE)
    events: Sequence[ActionEvent] = ()
    columns = {}
    try:
        stored_id = profile_id(user_id=stores.ids.user(request.user_id), session_id=None)
        events = sources.profiles.read_actions(stored_id)
        columns = as_declared(user.properties, state.configuration.user_columns)
    except Unavailable as error:
        logger.error("user cannot be read", reason=str(error))
        degraded[PROFILE_UNAVAILABLE] = None
    valid = _valid(sources.actions.current(now_ms=now_ms), events, now_ms=now_ms)
    if sources.actions.degraded is not None:
        degraded[sources.actions.degraded] = None
    if not model.fitted:
        degraded[ACTION_RATES] = None
    logits, deviations = model.logits(
        [(action.action_id, action.properties) for action in valid], user=columns, events=events, now_ms=now_ms
    )
    seed = int.from_bytes(hashlib.blake2b(recommendation_id.encode(), digest_size=8).digest(), "big")
    drawn = logits + exploration * deviations * np.random.default_rng(seed).standard_normal(len(valid))
    values = np.array([action.value for action in valid])
    order = np.argsort(-values / (1 + np.exp(-drawn)), kind="stable")[: request.num_results]
    scores = propensities(logits)
    return ActionAnswer(
        [(valid[place].action_id, float(scores[place])) for place in order],
        recommendation_id,
        "none" if state.model is None else state.model.version,
        tuple(degraded),
    )


def _valid(actions: Sequence[Action], events: Sequence[ActionEvent], *, now_ms: int) -> list[Action]:
    """Return the unexpired actions without an event of the user in the last `repeat_days`."""
    latest_ms = {event.action_id: event.event_time_ms for event in sorted(events)}

    def may_repeat(action: Action) -> bool:
        last_ms = latest_ms.get(action.action_id)
        # The time of an event may be in the future, because clients' clocks may be fast.
        return last_ms is None or max(now_ms - last_ms, 0) >= action.repeat_days * DAY_MS

    return [action for action in actions if now_ms < action.expires_s * 1000 and may_repeat(action)]
