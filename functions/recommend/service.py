"""Answering a request: profile, history, ranked items, metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

from alsolike import recommendation_id
from alsolike.errors import Unavailable
from alsolike.interactions import profile_id
from alsolike.observability import logger
from alsolike.profiles import Profile, ProfileStore
from functions.recommend.champion import Serving
from functions.recommend.model import Model, Ranked
from functions.recommend.request import RECOMMENDER, Request

PROFILE_UNAVAILABLE = "profile-unavailable"
NO_VERSION = "none"


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
        Whether the model ranked a history, the popular list stood in for an unknown one, or nothing is there yet.
    degraded
        Why the answer is less than it should be, or None.
    """

    items: Sequence[Recommendation]
    recommendation_id: str
    source: Literal["model", "popular", "none"]
    version: str
    degraded: str | None


def recommend(request: Request, *, serving: Serving, profiles: ProfileStore, now_ms: int) -> Answer:
    """Answer a request; popular items where nothing is known of the user, nothing before the first model."""
    model = serving.model
    if model is None:
        return _answer([], source="none", version=NO_VERSION, degraded=serving.degraded, now_ms=now_ms)
    degraded = serving.degraded
    try:
        profile = _profile(profiles, request.user_id)
    except Unavailable as error:
        logger.error("profile cannot be read", reason=str(error))
        profile, degraded = Profile(""), PROFILE_UNAVAILABLE
    history = model.history(profile.recent)
    source: Literal["model", "popular"] = "model" if len(history) else "popular"
    ranked = (
        model.rank(history, k=request.num_results, now_ms=now_ms)
        if source == "model"
        else model.popular(request.num_results)
    )
    items = [_recommendation(model, item, columns=request.metadata_columns) for item in ranked]
    return _answer(items, source=source, version=model.version, degraded=degraded, now_ms=now_ms)


def _profile(profiles: ProfileStore, user_id: str) -> Profile:
    """Return the user's profile, or the session's of that id: somebody unknown asks with the session id."""
    profile = profiles.read(profile_id(user_id=user_id, session_id=None))
    if profile.recent:
        return profile
    return profiles.read(profile_id(user_id=None, session_id=user_id))


def _answer(
    items: Sequence[Recommendation],
    *,
    source: Literal["model", "popular", "none"],
    version: str,
    degraded: str | None,
    now_ms: int,
) -> Answer:
    identity = recommendation_id.create(answered_ms=now_ms, recommender=RECOMMENDER, version=version)
    return Answer(items, identity, source, version, degraded)


def _recommendation(model: Model, item: Ranked, *, columns: Sequence[tuple[str, str]]) -> Recommendation:
    metadata = None
    if columns:
        properties = model.bundle.metadata(item.position)
        metadata = {name: _text(properties[key]) for name, key in columns if properties.get(key) is not None}
    return Recommendation(model.bundle.item_id(item.position), item.score, metadata)


def _text(value: Any) -> str:
    """Return a metadata value as Personalize does: as a string, lists with `|` between."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "|".join(map(_text, value))
    return orjson.dumps(value).decode()
