"""Join of events with the responses that they reference.

The join accepts or rejects events, and counts outcomes per response.

The result does not depend on the order of rows, because sums are computed in sorted order.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.limits import MAX_EVENT_VALUE
from alsolike.events.interactions import profile_id
from alsolike.lake import served
from alsolike.lake.arrow import arrow_schema
from alsolike.records.outcome import OUTCOMES_COLUMNS
from functions.attribute_outcomes.attribution_rules import KINDS, AttributionRules, Kind, Reason
from functions.attribute_outcomes.response_items import Bools, Floats, Ints, Items, Slate, Views, flat, ordered_sum

OUTCOMES = arrow_schema(pa, OUTCOMES_COLUMNS)
NEVER = np.iinfo(np.int64).max
_CODES = {reason: code for code, reason in enumerate(Reason)}
_ACCEPTED = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Joined:
    """Outcomes of several responses. `outcomes` has one row per response with the columns of `alsolike.lake.outcomes`.

    `answer` and `item` contain the row of the response and the item index per recommended item.
    """

    outcomes: pa.Table
    answer: Ints
    item: Ints
    events: int
    rejected: Counter[Reason]


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """Inputs of attribution other than responses and events.

    `popularity` is the number of events by item index. `shopper` returns the keyed hash of a stored user or session ID.
    """

    items: Items
    popularity: Ints
    rules: AttributionRules
    shopper: Callable[[str], str]


def join(answers: pa.Table, events: pa.Table, known: Known) -> Joined:
    """Attribute events to responses.

    `answers` are distinct and sorted by recommendation ID. `events` are all distinct events that reference one of the
    responses.
    """
    slate = Slate(answers, known.items)
    joined = _Events(events, answers, slate, known)
    joined.judge_times(answers, known.rules)
    joined.judge_shoppers(answers, known.shopper)
    joined.judge_values()
    views, shown_ms, not_served = joined.views()
    joined.judge_items(shown_ms)
    kinds = joined.rows_by_kind()
    shown = shown_ms < NEVER
    clicked = views.marked(kinds[Kind.CLICK])
    columns = {
        "items": slate.items(),
        "impressions": views.count(shown),
        "clicks": views.count(clicked),
        "shown_clicks": views.count(clicked & shown),
        "carts": views.count(views.marked(kinds[Kind.CART])),
        "purchases": views.count(views.marked(kinds[Kind.PURCHASE])),
        "revenue": views.sum(joined.revenue(kinds, len(views))),
        "new_items": slate.new_items(answers["served_ms"].to_numpy(), new_item_days=known.rules.new_item_days),
        "novelty": slate.novelty(known.popularity),
    }
    rejected = joined.rejected()
    rejected[Reason.SHOWN_NOT_SERVED] += not_served
    return Joined(_table(answers, columns), slate.answer, slate.item, joined.count_accepted(), +rejected)


class _Events:
    def __init__(self, events: pa.Table, answers: pa.Table, slate: Slate, known: Known) -> None:
        self._table, self._slate, self._items = events, slate, known.items
        self._time_ms = events["event_time_ms"].to_numpy()
        ids = pd.Index(answers["recommendation_id"].to_pandas())
        named = pd.Index(events["recommendation_id"].to_pandas())
        self._answer: Ints = np.asarray(ids.get_indexer(named), np.int64)
        self._reason = np.full(len(events), _ACCEPTED, np.int8)
        kinds = events["event_type"].to_pandas().map(dict(KINDS))
        self._kind = kinds.fillna(-1).astype(np.int64).to_numpy()
        self._pair = slate.find(self._answer, self._items.numbers(events["item_id"]))
        self._viewer = _viewers(events, self._answer, without_user(answers))
        self._view: Ints = np.full(len(self._pair), -1)

    def _reject(self, events: Bools, reason: Reason) -> None:
        self._reason[events & self._accepted()] = _CODES[reason]

    def _accepted(self) -> Bools:
        accepted: Bools = self._reason == _ACCEPTED
        return accepted

    def judge_shoppers(self, answers: pa.Table, shopper: Callable[[str], str]) -> None:
        """Reject an event if neither its user nor its session is the user or session of the response.

        `Reason.UNVERIFIABLE` means that the response's user is unknown. Responses without a user and session accept
        every event.
        """
        rows = np.flatnonzero(self._accepted())
        answer = self._answer[rows]
        recipients = [answers[name].to_pandas().to_numpy(object)[answer] for name in ("shopper", "session")]
        recipients = [np.where(pd.isna(value), None, value) for value in recipients]
        senders = [self._hashes(name, rows, shopper) for name in ("user_id", "session_id")]
        same = np.zeros(len(rows), bool)
        for recipient in recipients:
            for sender in senders:
                same |= np.array([a is not None and a == b for a, b in zip(recipient, sender, strict=True)], bool)
        shared = np.array([a is None and b is None for a, b in zip(*recipients, strict=True)], bool)
        unverifiable = np.zeros(len(self._reason), bool)
        unverifiable[rows] = np.array([a == served.UNKNOWN for a in recipients[0]], bool) & ~same
        self._reject(unverifiable, Reason.UNVERIFIABLE)
        others = np.zeros(len(self._reason), bool)
        others[rows] = ~same & ~shared
        self._reject(others, Reason.OTHER_SHOPPER)

    def _hashes(self, column: str, rows: Ints, shopper: Callable[[str], str]) -> list[str | None]:
        ids = self._table[column].take(pa.array(rows)).to_pylist()
        hashes = {profile: shopper(profile) for profile in set(ids) if profile is not None}
        return [hashes.get(profile) for profile in ids]

    def judge_times(self, answers: pa.Table, rules: AttributionRules) -> None:
        """Reject events that precede the response by more than the clock skew, or follow the attribution window."""
        served_ms = answers["served_ms"].to_numpy()
        since_ms = self._time_ms - (served_ms[self._answer] if len(served_ms) else 0)
        self._reject(since_ms < -rules.clock_skew_ms, Reason.BEFORE_SERVED)
        self._reject(since_ms > rules.window_ms, Reason.TOO_LATE)

    def judge_values(self) -> None:
        """Reject events with values that the API does not accept. Infinite or huge values would corrupt sums."""
        values = self._table["event_value"]
        in_range = pc.fill_null(pc.less_equal(pc.abs(values), MAX_EVENT_VALUE), True)  # NaN is never in range.
        self._reject(~in_range.to_numpy(), Reason.VALUE_OUT_OF_RANGE)

    def views(self) -> tuple[Views, Ints, int]:
        """Return the views, their first impression times (or `NEVER`), and the number of shown but not served items."""
        rows = np.flatnonzero(self._accepted())
        listed, place = flat(self._table["impression"].take(pa.array(rows)))
        event = rows[place]
        pair = self._slate.find(self._answer[event], self._items.numbers(listed))
        event, shown = event[pair >= 0], pair[pair >= 0]
        of_items = rows[self._pair[rows] >= 0]
        views = Views(
            self._slate,
            np.concatenate([shown, self._pair[of_items]]),
            np.concatenate([self._viewer[event], self._viewer[of_items]]),
        )
        self._view[of_items] = views.find(self._pair[of_items], self._viewer[of_items])
        shown_ms = np.full(len(views), NEVER)
        np.minimum.at(shown_ms, views.find(shown, self._viewer[event]), self._time_ms[event])
        return views, shown_ms, len(pair) - len(shown)

    def judge_items(self, shown_ms: Ints) -> None:
        """Reject events of `KINDS` with items that were not served, and events before the item's first impression."""
        has_kind = self._kind >= 0
        self._reject(has_kind & (self._pair < 0), Reason.NOT_SERVED)
        if len(shown_ms):
            first_ms = np.where(self._view >= 0, shown_ms[self._view], NEVER)
            self._reject(has_kind & (first_ms < NEVER) & (self._time_ms < first_ms), Reason.BEFORE_IMPRESSION)

    def rows_by_kind(self) -> dict[Kind, Ints]:
        """Return the view index of each accepted event, by kind."""
        accepted = self._accepted()
        return {kind: self._view[accepted & (self._kind == kind)] for kind in Kind}

    def revenue(self, kinds: dict[Kind, Ints], views: int) -> Floats:
        """Return the revenue per view.

        A return subtracts its value from the value of the purchases, but not below 0.
        """
        accepted, values = self._accepted(), np.nan_to_num(self._table["event_value"].to_numpy().astype(np.float64))
        bought, returned = (
            ordered_sum(kinds[kind], values[accepted & (self._kind == kind)], views)
            for kind in (Kind.PURCHASE, Kind.RETURN)
        )
        kept: Floats = np.maximum(bought - np.abs(returned), 0.0)
        return kept

    def rejected(self) -> Counter[Reason]:
        return Counter({reason: int(np.count_nonzero(self._reason == code)) for reason, code in _CODES.items()})

    def count_accepted(self) -> int:
        return int(np.count_nonzero(self._accepted()))


def without_user(answers: pa.Table) -> Bools:
    """Return a mask of the responses without a user and session, which several users may have viewed."""
    named: Bools = pc.is_valid(pc.coalesce(answers["shopper"], answers["session"])).to_numpy()
    return ~named


def _viewers(events: pa.Table, answer: Ints, shared: Bools) -> Ints:
    """Return the index of the user per event if several users may have viewed the response, else 0."""
    is_shared = (answer >= 0) & np.append(shared, False)[answer]
    viewer = np.zeros(len(answer), np.int64)
    shared_events = events.select(["user_id", "session_id"]).take(pa.array(np.flatnonzero(is_shared)))
    ids = zip(shared_events["user_id"].to_pylist(), shared_events["session_id"].to_pylist(), strict=True)
    viewer[is_shared] = pd.factorize(np.array([profile_id(user_id=u, session_id=s) for u, s in ids], object))[0]
    return viewer


def _table(answers: pa.Table, columns: Mapping[str, npt.NDArray[np.generic]]) -> pa.Table:
    degraded = pa.array(np.bincount(flat(answers["degraded"])[1], minlength=len(answers)) > 0)
    values = {**{name: answers[name] for name in answers.column_names}, "degraded": degraded}
    values["shopper"] = pc.coalesce(answers["shopper"], answers["session"])
    values |= {name: pa.array(column, from_pandas=True) for name, column in columns.items()}
    return pa.table([values[name] for name in OUTCOMES.names], names=OUTCOMES.names).cast(OUTCOMES)
