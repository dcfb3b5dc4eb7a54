"""Answering a request: profile, history, filter, ranked items, metadata."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from alsolike import recommendation_id
from alsolike.column_values import as_declared
from alsolike.configuration import Configuration
from alsolike.errors import NotFound, Unavailable
from alsolike.interactions import profile_id
from alsolike.observability import logger
from alsolike.popular_groups import Group
from alsolike.profiles import Profile, ProfileStore
from alsolike.pseudonyms import EdgeIds
from alsolike.users import UserStore
from functions.recommend import filtering
from functions.recommend.catalogue import Catalogue
from functions.recommend.metadata import metadata
from functions.recommend.model import Model, Ranked
from functions.recommend.ranking import Ranking, rank
from functions.recommend.request import Request
from functions.recommend.standing import NO_CATALOGUE, NO_CONFIGURATION, Standing

PROFILE_UNAVAILABLE = "profile-unavailable"
USER_UNAVAILABLE = "user-unavailable"
NO_VERSION = "none"

Source = Literal["model", "popular", "none"]


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """What is known of people, and under which ids."""

    ids: EdgeIds
    profiles: ProfileStore
    users: UserStore


@dataclasses.dataclass(frozen=True, slots=True)
class Recommendation:
    """One item of the answer; `metadata` is None where none was asked for."""

    item_id: str
    score: float
    metadata: Mapping[str, str] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Attributes
    ----------
    source
        Whether the model ranked a history, popular items stand in where it knows nothing of it, or nothing is there.
    filled
        How many popular items, at the end, follow those that the model ranked.
    cold
        How many items the model does not know.
    within
        The user column by which popular items are those of the user's like; None where they are of all.
    degraded
        Why the answer is less than it should be; empty where it is not.
    """

    items: Sequence[Recommendation]
    recommendation_id: str
    source: Source
    filled: int
    cold: int
    within: str | None
    version: str
    degraded: tuple[str, ...]


def recommend(request: Request, *, standing: Standing, people: People, now_ms: int) -> Answer:
    """Answer a request; popular items where the model knows nothing or no more, nothing before the first model.

    Where something that a filter needs cannot be had, the answer is empty rather than wrong.

    Raises
    ------
    NotFound
        If it names a filter that there is not.
    InvalidInput
        If it does not bring what its filter needs.
    Unavailable
        If ids are pseudonymised and nobody can tell how.
    """
    degraded = list(standing.degraded)
    obeyable = request.filter_name is None or NO_CONFIGURATION not in degraded
    chosen = filtering.choose(request, standing.configuration) if obeyable else filtering.Chosen()
    obeyable = obeyable and not (chosen.needs_catalogue and NO_CATALOGUE in degraded)
    model, catalogue = standing.model, standing.catalogue
    found = Ranking()
    source: Source = "none"
    if model is not None and catalogue is not None and obeyable:
        profile, erased = _profile(people, request.user_id, degraded)
        user = functools.cache(lambda: {} if erased else _user(people, request.user_id))
        positions = catalogue.positions([interaction.item_id for interaction in profile.recent])
        try:
            bias = filtering.bias(
                chosen,
                request,
                catalogue=catalogue,
                configuration=standing.configuration,
                profile=profile,
                positions=positions,
                user=user,
            )
        except Unavailable as error:
            logger.error("user cannot be read", reason=str(error))
            degraded.append(USER_UNAVAILABLE)
        else:
            found = rank(
                profile.recent,
                positions,
                model=model,
                catalogue=catalogue,
                bias=bias,
                group=functools.partial(_group, request, model, standing.configuration, user=user, degraded=degraded),
                k=request.num_results,
                now_ms=now_ms,
            )
            source = "model" if found.ranked else "popular"
    version = NO_VERSION if model is None else model.version
    identity = recommendation_id.create(answered_ms=now_ms, recommender=request.recommender, version=version)
    items = _recommendations(catalogue, [*found.ranked, *found.filling], columns=request.metadata_columns)
    filled = len(found.filling) if found.ranked else 0
    return Answer(items, identity, source, filled, found.cold, found.within, version, tuple(degraded))


def _profile(people: People, user_id: str, degraded: list[str]) -> tuple[Profile, bool]:
    """Return the user's profile, or the session's of that id: somebody unknown asks with the session id.

    Also whether the user is being erased: what the shop said of the user is used no more, though it may still be there.
    """
    user = profile_id(user_id=people.ids.user(user_id), session_id=None)
    session = profile_id(user_id=None, session_id=people.ids.session(user_id))
    try:
        profile = people.profiles.read(user)
        return (profile if profile.recent else people.profiles.read(session)), profile.erased
    except Unavailable as error:
        logger.error("profile cannot be read", reason=str(error))
        degraded.append(PROFILE_UNAVAILABLE)
        return Profile(""), False


def _user(people: People, user_id: str) -> Mapping[str, Any]:
    try:
        return people.users.get(people.ids.user(user_id)).row.properties
    except NotFound:
        return {}


def _group(
    request: Request,
    model: Model,
    configuration: Configuration,
    *,
    user: Callable[[], Mapping[str, Any]],
    degraded: list[str],
) -> Group | None:
    """Return the smallest group of what the request and the shop say of the user."""
    if not model.bundle.groups:
        return None
    stored: Mapping[str, Any] = {}
    try:
        stored = user()
    except Unavailable as error:
        logger.error("user cannot be read", reason=str(error))
        degraded.append(USER_UNAVAILABLE)
    return model.bundle.groups.of(as_declared({**stored, **request.context}, configuration.user_columns))


def _recommendations(
    catalogue: Catalogue | None, ranked: Sequence[Ranked], *, columns: Sequence[tuple[str, str]]
) -> list[Recommendation]:
    if catalogue is None:
        return []
    item_ids = [catalogue.item_id(item.position) for item in ranked]
    if not columns:
        return [Recommendation(item_id, item.score, None) for item_id, item in zip(item_ids, ranked, strict=True)]
    return [
        Recommendation(item_id, item.score, metadata(properties, columns))
        for item_id, item, properties in zip(item_ids, ranked, catalogue.properties(item_ids), strict=True)
    ]
