"""Report on a logged response, with reasons for its items and a replay."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.configuration import recommendation_id as ids
from alsolike.configuration.recommendation_id import arm_tag, version_tag
from alsolike.declarations.storage import MODELS_PREFIX
from alsolike.events.interactions import profile_id
from alsolike.lake.served import UNKNOWN
from alsolike.profiles.profile import RecentInteraction
from alsolike.records.served_response import ServedResponse
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.s3 import folders
from operations import times
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms, stored_ids
from operations.configuration.deployed_configuration import live_configuration
from operations.explanation import replay_differences, unlogged_parameters
from operations.explanation.replay_differences import Replay
from operations.explanation.served_rows import find_row
from operations.recovery.profile_builder import past


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """Report on a logged response.

    `head` is the content of the recommendation ID, with tags resolved to names. `replay` is None if the request could
    not be replayed, for the reason `not_replayed`.
    """

    head: dict[str, Any]
    row: ServedResponse
    replay: Replay | None
    differences: list[str]
    not_replayed: str | None

    @property
    def items(self) -> list[dict[str, Any]]:
        """Items of the response, each with origin, propensity, reasons, rank by the model's score, and rank in the
        replay.
        """
        row, replayed = self.row, self.replay
        by_score = _places_by_score(row.scores or ())
        places = {} if replayed is None else {item_id: place for place, item_id in enumerate(replayed.item_ids, 1)}
        return [
            {
                "place": place,
                "item_id": item_id,
                "place_by_score": by_score.get(place),
                "origin": origin,
                "propensity": propensity,
                "reasons": None
                if replayed is None
                else [json.loads(text) for text in replayed.reasons.get(item_id, ())],
                "replayed_place": places.get(item_id),
            }
            for place, (item_id, origin, propensity) in enumerate(
                zip(row.item_ids, row.origins, row.propensities, strict=True), 1
            )
        ]

    def document(self) -> dict[str, Any]:
        replayed = None
        if self.replay is not None:
            fields = dataclasses.asdict(self.replay)
            del fields["reasons"]
            replayed = {**fields, "same": not self.differences, "differences": self.differences}
        rest = {"items": self.items, "replay": replayed, "not_replayed": self.not_replayed}
        return {**self.head, "row": dataclasses.asdict(self.row), **rest}


def _places_by_score(scores: Sequence[float | None]) -> dict[int, int]:
    """Return the rank by the model's score of each scored position. Equal scores keep their order."""
    scored = [(-score, place) for place, score in enumerate(scores, 1) if score is not None]
    return {place: by_score for by_score, (_, place) in enumerate(sorted(scored), 1)}


def head_of(deployment: Deployment, recommendation_id: str) -> dict[str, Any]:
    fields = ids.parse(recommendation_id)
    return {
        "recommendation_id": recommendation_id,
        "answered_ms": fields.answered_ms,
        "answered": f"{times.text(fields.answered_ms, 'milliseconds').replace(' ', 'T')}+00:00",
        "recommender": fields.recommender,
        "model_version": version_of(deployment, fields.version_tag),
        "arms": [arm_of(deployment, tag) for tag in fields.arm_tags],
    }


def explain(
    deployment: Deployment, head: dict[str, Any], *, user: str | None = None, request: Mapping[str, Any] | None = None
) -> Explanation:
    """Find a response in the log and replay its request.

    `user` is the user or session of the response, because the log contains only a hash. `request` is the body with the
    parameters that the log does not contain.
    """
    recommendation_id = head["recommendation_id"]
    row = find_row(deployment, recommendation_id, ids.parse(recommendation_id))
    head = head | {"model_version": row.model_version, "arms": row.arms}
    rest = unlogged_parameters.logged_parameters(row)
    if request is not None:
        rest |= unlogged_parameters.unlogged_parameters(dict(request), row)
    if user is None and (row.shopper, row.session) != (None, None):
        return Explanation(head, row, None, [], "the response belongs to a user; name the user with --user")
    history = () if user is None else history_at_answer(deployment, row, user)
    try:
        replayed = replay_differences.replay(deployment, row, user=user, history=history, unlogged=rest)
    except (InvalidInput, NotFound) as error:
        return Explanation(head, row, None, [], str(error))
    return Explanation(head, row, replayed, replay_differences.differences(row, replayed, unlogged=rest), None)


NO_VERSION = "none"
"""Model version of responses without a model."""


def version_of(deployment: Deployment, tag: str) -> str:
    stored = folders(deployment.client("s3"), deployment.names.artefact_bucket, MODELS_PREFIX)
    versions = [NO_VERSION, *(folder.removeprefix(MODELS_PREFIX).rstrip("/") for folder in stored)]
    for version in versions:
        if version_tag(version) == tag:
            return version
    return f"unknown ({tag})"


def arm_of(deployment: Deployment, tag: str) -> str:
    for experiment in live_configuration(deployment).experiments.values():
        for arm in experiment.arms:
            if arm_tag(name := f"{experiment.name}/{arm.name}") == tag:
                return name
    return f"unknown ({tag})"


def history_at_answer(deployment: Deployment, row: ServedResponse, user: str) -> tuple[RecentInteraction, ...]:
    """Return the recent interactions of `user`, a user or session ID, that had arrived when the response was served."""
    ids = stored_ids(deployment)
    as_user, as_session = ids.user(user), ids.session(user)
    hashes = pseudonyms(deployment)
    if row.shopper is None and row.session is None:
        raise InvalidInput("--user names a user, but the response was not for a user")
    if row.shopper != UNKNOWN and not {hashes.shopper(as_user), hashes.shopper(as_session)} & {
        row.shopper,
        row.session,
    }:
        raise InvalidInput(f"--user is {user!r}, but the response was for another user")
    # As in `recommend`, the profile of the session is used only if the user has no interactions.
    for wanted in (
        profile_id(user_id=as_user, session_id=None),
        profile_id(user_id=None, session_id=as_session),
    ):
        if recent := past(deployment, wanted, received_by_ms=row.served_ms).recent:
            return tuple(recent)
    return ()
