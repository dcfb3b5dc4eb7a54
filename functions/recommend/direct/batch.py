"""Batches of many users in one invocation.

The event is ``{"batch": {"users": [...], ...}}``; see `alsolike.recommendations.request_fields.BATCH`. A batch may end
early: see the field `notDone` of its result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from alsolike.configuration.aliases import NEXT_BEST_ACTION, SEGMENTS
from alsolike.declarations.degraded_reasons import PROFILE_UNAVAILABLE
from alsolike.declarations.limits import MAX_BATCH_USERS, MAX_ID_CHARACTERS
from alsolike.declarations.metrics import Metric
from alsolike.declarations.shared_defaults import DEFAULT_RESULTS
from alsolike.events.interactions import profile_id
from alsolike.filters.values import parse_values
from alsolike.profiles.profile import Profile
from alsolike.profiles.profile_table import ProfileStore
from alsolike.recommendations.request_fields import BATCH, FOR_YOU
from alsolike.recommendations.segments import SegmentLine
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.observability import count, logger
from alsolike.runtime.s3 import S3Object
from alsolike.runtime.struct import struct
from alsolike.schema import validation
from alsolike.schema.fields import Text
from functions.recommend.direct.segments import parse_lines, segment_scores
from functions.recommend.http.request import ActionRequest, RecommendationRequest
from functions.recommend.http.response import ActionAnswer, Answer
from functions.recommend.service import Recommender
from functions.recommend.state.stores import UserStores

RESERVE_MS = 3_000
"""Time in milliseconds reserved for sending or storing the results."""
MAX_ANSWER_BYTES = 5_000_000
"""Maximum size of the results as compact JSON, in bytes. Lambda's limit of 6 MB applies to JSON with spaces."""

_BATCH_USERS = 100
_USER = Text(MAX_ID_CHARACTERS)


@struct
class Batch:
    """Users with their common request, which has no user ID.

    `users` are not yet validated. Processing starts at the index `first`. Without a key `output`, the results are
    returned.
    """

    users: Sequence[Any]
    first: int
    request: RecommendationRequest
    output: str | None
    lines: Sequence[SegmentLine] = ()


Files = Callable[[str], S3Object]
"""Function that returns the `S3Object` with the given key in the artefact bucket."""


@struct
class _ReadProfiles:
    profiles: Mapping[str, Profile]

    def read(self, profile_id: str, /, *, length: int) -> Profile:
        return self.profiles[profile_id]


def parse_batch(given: Any, *, files: Files) -> Batch:
    """Parse a batch. Read users and segment lines from S3 if the batch references objects with them."""
    given = dict(validation.as_object(given, where="batch"))
    users = given.pop("users", None)
    if given.get("recommender") == SEGMENTS:
        given.pop("numResults", None)  # The number of users per segment, which this step does not need.
    fields = BATCH.read(given, "batch")
    if users is not None and "input" in fields:
        raise InvalidInput("batch.users and batch.input are both given, expected one of them")
    where = "batch.users"
    if "input" in fields:
        where = f"{where} in {fields['input']['key']}"
        users = _read_json(files, fields["input"]["key"], field="batch.input.key")
    validation.elements(users, where, minimum=1, maximum=MAX_BATCH_USERS)
    first = fields.get("first", 0)
    if first >= len(users):
        raise InvalidInput(f"batch.first is {first}, expected less than the number of users, {len(users)}")
    request = RecommendationRequest(
        num_results=fields.get("numResults") or DEFAULT_RESULTS,
        recommender=fields.get("recommender", FOR_YOU),
        filter_name=fields.get("filter"),
        filter_values={name: parse_values(name, text) for name, text in fields.get("filterValues", {}).items()},
    )
    if request.recommender == NEXT_BEST_ACTION and request.filter_name is not None:
        raise InvalidInput(f"batch.filter is {request.filter_name!r}, expected none: {NEXT_BEST_ACTION} has no filters")
    lines: Sequence[SegmentLine] = ()
    if request.recommender == SEGMENTS:
        if "segments" not in fields or request.filter_name is not None:
            raise InvalidInput(f"batch.recommender is {SEGMENTS}, expected batch.segments and no filter")
        lines = parse_lines(_read_json(files, fields["segments"]["key"], field="batch.segments.key"))
    return Batch(users, first, request, fields["output"]["key"] if "output" in fields else None, lines)


def _read_json(files: Files, key: str, *, field: str) -> Any:
    content = files(key).read()
    try:
        return orjson.loads(content.body if content else b"")
    except orjson.JSONDecodeError as error:
        expected = "expected an object of the artefact bucket with a JSON list"
        raise InvalidInput(f"{field} is {validation.describe(key)}, {expected}: {error}") from error


def answer_batch(
    batch: Batch,
    *,
    recommender: Recommender,
    actions: Callable[[ActionRequest], ActionAnswer],
    profiles: ProfileStore,
    files: Files,
    remaining_ms: Callable[[], int],
) -> dict[str, Any]:
    """Recommend to the users of a batch, in their order.

    A batch ends early if the time or the size of the response reaches its limit, or profiles cannot be read. `notDone`
    is the number of users after the last processed user. Raise `Unavailable` if no user could be processed, or the
    results cannot be stored.
    """
    results: list[dict[str, Any]] = []
    lines: list[bytes] = []
    size_bytes = 0
    try:
        for result in _results(batch, recommender=recommender, actions=actions, profiles=profiles):
            line = orjson.dumps(result)
            size_bytes += len(line)
            if batch.output is None and size_bytes > MAX_ANSWER_BYTES and results:
                break
            results.append(result)
            lines.append(line)
            if remaining_ms() < RESERVE_MS:
                break
    except Unavailable as error:
        if not results:
            raise
        logger.error("batch ends early", reason=str(error))
    not_done = len(batch.users) - batch.first - len(results)
    _count(results, not_done)
    document: dict[str, Any] = {"answered": len(results), "notDone": not_done}
    if batch.output is None:
        return {**document, "results": results}
    files(batch.output).write(b"".join(line + b"\n" for line in lines), content_type=None)
    return document


def _results(
    batch: Batch,
    *,
    recommender: Recommender,
    actions: Callable[[ActionRequest], ActionAnswer],
    profiles: ProfileStore,
) -> Iterator[dict[str, Any]]:
    if batch.request.recommender == NEXT_BEST_ACTION:
        yield from _action_results(batch, actions)
        return
    for start in range(batch.first, len(batch.users), _BATCH_USERS):
        users = [_user(given) for given in batch.users[start : start + _BATCH_USERS]]
        known = _read(
            [user for user in users if isinstance(user, str)],
            recommender.stores,
            profiles,
            length=recommender.state.configuration.limits.history_length,
        )
        with_known = dataclasses.replace(recommender, stores=known)
        scores = segment_scores(batch.lines, recommender=with_known) if batch.lines else None
        for user in users:
            if isinstance(user, InvalidInput):
                yield {"error": str(user)}
            elif scores is not None:
                yield scores(user)
            else:
                yield _document(user, with_known.answer(dataclasses.replace(batch.request, user_id=user)))


def _action_results(batch: Batch, actions: Callable[[ActionRequest], ActionAnswer]) -> Iterator[dict[str, Any]]:
    for given in batch.users[batch.first :]:
        user = _user(given)
        if isinstance(user, InvalidInput):
            yield {"error": str(user)}
            continue
        answer = actions(ActionRequest(user, batch.request.num_results))
        if PROFILE_UNAVAILABLE in answer.degraded:
            raise Unavailable("the user's actions cannot be read")
        yield {
            "userId": user,
            "itemList": [{"itemId": action_id, "score": score} for action_id, score in answer.actions],
            "source": "actions",
            "modelVersion": answer.version,
            **({"degraded": answer.degraded} if answer.degraded else {}),
        }


def _user(given: Any) -> str | InvalidInput:
    try:
        return _USER.read(given, "userId")
    except InvalidInput as error:
        return error


def _read(users: Sequence[str], stores: UserStores, profiles: ProfileStore, *, length: int) -> UserStores:
    """Read the profiles of users, and of sessions, because an ID without a user's interactions may be a session ID."""
    user_ids = [profile_id(user_id=stores.ids.user(user), session_id=None) for user in users]
    by_id = profiles.read_many(user_ids, length=length)
    unknown = [user for user, profile in zip(users, user_ids, strict=True) if not by_id[profile].recent]
    session_ids = (profile_id(user_id=None, session_id=stores.ids.session(user)) for user in unknown)
    by_id |= profiles.read_many(session_ids, length=length)
    return dataclasses.replace(stores, profiles=_ReadProfiles(by_id), impressions=None)


def _document(user: str, answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = {
        "userId": user,
        "itemList": [{"itemId": item.item_id, "score": item.score} for item in answer.items],
        "source": answer.source,
        "modelVersion": answer.version,
    }
    if answer.filled:
        document["filled"] = answer.filled
    if answer.arms:
        document["arms"] = answer.arms
    if answer.degraded:
        document["degraded"] = answer.degraded
    if answer.unmet_rules:
        document["unmetRules"] = answer.unmet_rules
    return document


def _count(results: Sequence[Mapping[str, Any]], not_done: int) -> None:
    refused = sum("error" in result for result in results)
    count(Metric.BATCH_USERS_ANSWERED, len(results) - refused)
    count(Metric.BATCH_USERS_DEGRADED, sum("degraded" in result for result in results))
    count(Metric.BATCH_USERS_REFUSED, refused)
    count(Metric.BATCH_USERS_NOT_DONE, not_done)
