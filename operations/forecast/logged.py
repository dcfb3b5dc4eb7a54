"""Logged responses of a recommender with the histories of their users and their outcomes, for a forecast."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.limits import MAX_EVENT_VALUE
from alsolike.declarations.times import DAY_MS
from alsolike.events.interactions import MAX_CLOCK_SKEW_MS
from alsolike.lake import served
from alsolike.lake.partitions import event_date
from alsolike.lake.served import UNKNOWN
from alsolike.profiles.profile import RecentInteraction
from alsolike.records.served_response import PAIRED, ServedResponse
from alsolike.training.dataset import CLICK, outcome_type
from operations.day_replay.histories import read_histories
from operations.forecast.inputs import ForecastInputs
from operations.recovery.lake_reader import LakeReader, read_log

WINDOW_MS = 7 * DAY_MS
"""Time after a response in which its outcomes count, in milliseconds."""

_EVENT_COLUMNS = (
    "event_id", "user_id", "session_id", "item_id", "event_type", "event_value", "event_time_ms", "recommendation_id",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class LoggedResponse:
    """Logged response to a user.

    `user_id` is the ID of the user or session; None if the lake has no interactions of this user or session. `history`
    are the interactions that the response used; None if the lake no longer has them. `revenue` is by item.
    """

    row: ServedResponse
    user_id: str | None
    history: tuple[RecentInteraction, ...] | None
    clicks: frozenset[str]
    purchases: frozenset[str]
    revenue: Mapping[str, float]


def logged_responses(
    inputs: ForecastInputs, *, recommender: str, first_ms: int, last_ms: int, maximum: int
) -> list[LoggedResponse]:
    """Return up to `maximum` responses to users between two times.

    Responses with neighbours in random order come first, because they determine the propensities of places. The
    order is otherwise random, but equal for each call. The result excludes degraded responses, responses without a
    known user or session, and responses to declared agents.
    """
    found = _rows(inputs, recommender=recommender, first_ms=first_ms, last_ms=last_ms)
    chosen = {values["recommendation_id"]: values for values in heapq.nsmallest(maximum, found, key=_order)}
    rows = [served.read_row(values) for values in chosen.values()]
    return list(_with_interactions(inputs, rows)) if rows else []


def _order(values: Mapping[str, Any]) -> tuple[bool, bytes]:
    digest = hashlib.blake2b(values["recommendation_id"].encode(), digest_size=8).digest()
    return PAIRED not in values["origins"], digest


def _rows(inputs: ForecastInputs, *, recommender: str, first_ms: int, last_ms: int) -> Iterator[dict[str, Any]]:
    for table in read_log(inputs.s3, inputs.lake_bucket, first=event_date(first_ms), last=event_date(last_ms)):
        conditions = [
            pc.equal(table["recommender"], recommender),
            pc.and_(pc.greater_equal(table["served_ms"], first_ms), pc.less_equal(table["served_ms"], last_ms)),
            pc.equal(pc.list_value_length(table["degraded"]), 0),
            pc.or_(pc.is_valid(table["shopper"]), pc.is_valid(table["session"])),
            pc.fill_null(pc.not_equal(table["shopper"], UNKNOWN), fill_value=True),
        ]
        yield from table.filter(functools.reduce(pc.and_, conditions)).to_pylist()


def _with_interactions(inputs: ForecastInputs, rows: list[ServedResponse]) -> Iterator[LoggedResponse]:
    configuration = inputs.configuration
    histories = read_histories(
        inputs.s3,
        inputs.lake_bucket,
        rows,
        hashes=inputs.hashes,
        until_ms=max(row.served_ms for row in rows) + MAX_CLOCK_SKEW_MS,
        context=configuration.context,
    )
    events = _events(inputs, rows)
    for row in rows:
        user_id = histories.users.get(row.shopper or "") or histories.sessions.get(row.session or row.shopper or "")
        history = histories.recent(row, length=configuration.limits.history_length)
        yield _response(row, user_id, history, list(events.get(row.recommendation_id, {}).values()))


def _response(
    row: ServedResponse,
    user_id: str | None,
    history: tuple[RecentInteraction, ...] | None,
    events: Sequence[Mapping[str, Any]],
) -> LoggedResponse:
    clicks, purchases, revenue = set(), set(), dict[str, float]()
    for event in events:
        item_id, value = event["item_id"], event["event_value"] or 0.0
        in_time = -MAX_CLOCK_SKEW_MS <= event["event_time_ms"] - row.served_ms <= WINDOW_MS
        if not in_time or {row.shopper, row.session}.isdisjoint(event["shoppers"]) or item_id not in row.item_ids:
            continue
        if event["outcome"] == CLICK:
            clicks.add(item_id)
        else:
            purchases.add(item_id)
            if abs(value) <= MAX_EVENT_VALUE:  # False for NaN.
                revenue[item_id] = revenue.get(item_id, 0.0) + value
    return LoggedResponse(row, user_id, history, frozenset(clicks), frozenset(purchases), revenue)


def _events(
    inputs: ForecastInputs, rows: list[ServedResponse]
) -> dict[str, dict[tuple[str, str | None], dict[str, Any]]]:
    """Return the outcomes by recommendation ID, then by event ID and owner, so that duplicates count once."""
    reader = LakeReader(inputs.s3, inputs.lake_bucket, received_by_ms=None)
    named = pa.array([row.recommendation_id for row in rows])
    first = event_date(min(row.served_ms for row in rows) - MAX_CLOCK_SKEW_MS)
    found: dict[str, dict[tuple[str, str | None], dict[str, Any]]] = {}
    for piece in reader.scan("outcomes", _EVENT_COLUMNS, first=first):
        for event in piece.filter(pc.is_in(piece["recommendation_id"], named)).to_pylist():
            outcome = outcome_type(event["event_type"], configuration=inputs.configuration)
            if outcome is not None and event["item_id"] is not None:
                owners = [owner for owner in (event["user_id"], event["session_id"]) if owner is not None]
                shoppers = [inputs.hashes.shopper(owner) for owner in owners]
                outcomes = found.setdefault(event["recommendation_id"], {})
                outcomes[event["event_id"], next(iter(owners), None)] = {
                    **event, "outcome": outcome, "shoppers": shoppers
                }  # fmt: skip
    return found
