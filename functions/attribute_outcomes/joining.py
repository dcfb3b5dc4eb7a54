"""Events and the answers that they name: what counts, what does not and why, and what each answer led to.

Nothing here depends on the order of rows: sums are taken in the order of their terms.
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

from alsolike import served
from alsolike.interactions import MAX_EVENT_VALUE
from functions.attribute_outcomes.items import Items
from functions.attribute_outcomes.rules import DAY_MS, KINDS, Kind, Reason, Rules
from functions.attribute_outcomes.spill import flat
from functions.attribute_outcomes.tables import OUTCOMES

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
_CODES = {reason: code for code, reason in enumerate(Reason)}
_COUNTS = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Joined:
    """What some answers led to.

    Attributes
    ----------
    outcomes
        One row an answer, in the columns of `alsolike.outcomes`.
    answer, item
        Of each answered item: the row of its answer, and its number; an answer has each item once.
    events
        How many events count.
    rejected
        How many do not, by reason.
    """

    outcomes: pa.Table
    answer: Ints
    item: Ints
    events: int
    rejected: Counter[Reason]


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is known beside answers and events.

    Attributes
    ----------
    popularity
        How many events there are about each item, by number.
    shopper
        The keyed hash of a stored user or session id.
    """

    items: Items
    popularity: Ints
    rules: Rules
    shopper: Callable[[str], str]


def join(answers: pa.Table, events: pa.Table, known: Known) -> Joined:
    """Attribute events to answers.

    Parameters
    ----------
    answers
        In the columns of `ANSWERS`, each once, sorted by id.
    events
        In the columns of `JUDGED`, each once: all that name one of the answers, and some that name none of them.
    """
    slate = _Slate(answers, known.items)
    found = _Events(events, answers, slate, known)
    found.judge_shoppers(answers, known.shopper)
    found.judge_times(answers, known.rules)
    found.judge_values()
    shown_ms, not_served = found.shown()
    found.judge_items(shown_ms)
    kinds = found.of_kinds()
    shown = shown_ms < NEVER
    clicked = slate.marked(kinds[Kind.CLICK])
    columns = {
        "items": slate.count(np.ones(len(slate.answer), bool)),
        "impressions": slate.count(shown),
        "clicks": slate.count(clicked),
        "shown_clicks": slate.count(clicked & shown),
        "carts": slate.count(slate.marked(kinds[Kind.CART])),
        "purchases": slate.count(slate.marked(kinds[Kind.PURCHASE])),
        "revenue": slate.sum(found.revenue(kinds)),
        "new_items": slate.count(slate.are_new(answers, known)),
        "novelty": slate.novelty(known.popularity),
    }
    rejected = found.rejected()
    rejected[Reason.SHOWN_NOT_SERVED] += not_served
    return Joined(_table(answers, columns), slate.answer, slate.item, found.counting(), +rejected)


class _Slate:
    """The pairs of answer and item, in order."""

    def __init__(self, answers: pa.Table, items: Items) -> None:
        listed, answer = flat(answers["item_ids"])
        numbers = items.numbers(listed)
        self._items, self._answers = items, len(answers)
        self._width = len(items) + 1
        keys = np.sort((answer * self._width + numbers)[numbers >= 0])
        self.keys = np.concatenate([keys[:1], keys[1:][np.diff(keys) > 0]])
        self.answer, self.item = self.keys // self._width, self.keys % self._width

    def find(self, answer: Ints, item: Ints) -> Ints:
        """Return where each pair is; -1 where it is not."""
        wanted = answer * self._width + item
        places = np.searchsorted(self.keys, wanted)
        there = (answer >= 0) & (item >= 0) & (item < self._width) & (places < len(self.keys))
        there &= self.keys[np.where(there, places, 0)] == wanted if len(self.keys) else False
        return np.where(there, places, -1)

    def marked(self, pairs: Ints) -> Bools:
        """Say of each pair whether it is among those."""
        marks = np.zeros(len(self.keys), bool)
        marks[pairs] = True
        return marks

    def count(self, marks: Bools) -> Ints:
        """Return of each answer how many of its items are marked."""
        return np.bincount(self.answer[marks], minlength=self._answers)

    def sum(self, values: Floats) -> Floats:
        """Return of each answer the sum of its items' values."""
        return ordered_sum(self.answer, values, self._answers)

    def are_new(self, answers: pa.Table, known: Known) -> Bools:
        """Say of each item whether it was new when it was answered."""
        served_ms = answers["served_ms"].to_numpy()[self.answer]
        are_new: Bools = self._items.created_ms()[self.item] >= served_ms - known.rules.new_item_days * DAY_MS
        return are_new

    def novelty(self, popularity: Ints) -> Floats:
        """Return of each answer its items' mean self-information in bits, NaN without any.

        An item of which nothing is known counts as if it had one event.

        References
        ----------
        T. Zhou et al. (2010), Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 107(10):
        the mean of log2(1 / p) over a list; with p an item's share of all events, as in S. Vargas, P. Castells (2011),
        Rank and relevance in novelty and diversity metrics for recommender systems, RecSys, section 4.
        """
        total = int(popularity.sum())
        counts = np.pad(popularity, (0, max(0, len(self._items) - len(popularity))))
        if not total:
            return np.full(self._answers, np.nan)
        bits = np.log2(total / np.maximum(counts[self.item], 1))
        items = self.count(np.ones(len(self.keys), bool))
        return np.where(items > 0, self.sum(bits) / np.maximum(items, 1), np.nan)


class _Events:
    """Events, the answer and the pair of each, and the reason for which it does not count."""

    def __init__(self, events: pa.Table, answers: pa.Table, slate: _Slate, known: Known) -> None:
        self._table, self._slate, self._items = events, slate, known.items
        self._time_ms = events["event_time_ms"].to_numpy()
        ids = pd.Index(answers["recommendation_id"].to_pandas())
        named = pd.Index(events["recommendation_id"].to_pandas())
        self._answer: Ints = np.asarray(ids.get_indexer(named), np.int64)
        codes = events["reason"].to_pandas().map(_CODES)
        self._reason = codes.fillna(_COUNTS).to_numpy(np.int8)
        self._reject(self._answer < 0, Reason.UNKNOWN_ANSWER)
        kinds = events["event_type"].to_pandas().map(dict(KINDS))
        self._kind = kinds.fillna(-1).astype(np.int64).to_numpy()
        self._pair = slate.find(self._answer, self._items.numbers(events["item_id"]))

    def _reject(self, events: Bools, reason: Reason) -> None:
        self._reason[events & self._stand()] = _CODES[reason]

    def _stand(self) -> Bools:
        stand: Bools = self._reason == _COUNTS
        return stand

    def judge_shoppers(self, answers: pa.Table, shopper: Callable[[str], str]) -> None:
        """Reject what others did than those who were answered."""
        rows = np.flatnonzero(self._stand())
        answer = self._answer[rows]
        asked = [answers[name].to_pandas().to_numpy(object)[answer] for name in ("shopper", "session")]
        asked = [np.where(pd.isna(each), None, each) for each in asked]
        acted = [self._hashes(name, rows, shopper) for name in ("user_id", "session_id")]
        same = np.zeros(len(rows), bool)
        for one in asked:
            for other in acted:
                same |= np.array([a is not None and a == b for a, b in zip(one, other, strict=True)], bool)
        nobody = np.array([a is None and b is None for a, b in zip(*asked, strict=True)], bool)
        unverifiable = np.zeros(len(self._reason), bool)
        unverifiable[rows] = np.array([a == served.UNKNOWN for a in asked[0]], bool) & ~same
        self._reject(unverifiable, Reason.UNVERIFIABLE)
        others = np.zeros(len(self._reason), bool)
        others[rows] = ~same & ~nobody
        self._reject(others, Reason.OTHER_SHOPPER)

    def _hashes(self, column: str, rows: Ints, shopper: Callable[[str], str]) -> list[str | None]:
        ids = self._table[column].take(pa.array(rows)).to_pylist()
        hashes = {each: shopper(each) for each in set(ids) if each is not None}
        return [hashes.get(each) for each in ids]

    def judge_times(self, answers: pa.Table, rules: Rules) -> None:
        """Reject what was done before the answer, or too long after it."""
        served_ms = answers["served_ms"].to_numpy()
        since_ms = self._time_ms - (served_ms[self._answer] if len(served_ms) else 0)
        self._reject(since_ms < -rules.clock_skew_ms, Reason.BEFORE_SERVED)
        self._reject(since_ms > rules.window_ms, Reason.TOO_LATE)

    def judge_values(self) -> None:
        """Reject what the API does not take in: with infinite or huge values no sum is right."""
        values = self._table["event_value"]
        in_range = pc.fill_null(pc.less_equal(pc.abs(values), MAX_EVENT_VALUE), True)  # no number is not in range
        self._reject(~in_range.to_numpy(), Reason.VALUE_OUT_OF_RANGE)

    def shown(self) -> tuple[Ints, int]:
        """Return of each pair when it was first reported as shown, and how many reports are of items not served."""
        shown_ms = np.full(len(self._slate.keys), NEVER)
        rows = np.flatnonzero(self._stand())
        listed, place = flat(self._table["impression"].take(pa.array(rows)))
        event = rows[place]
        pair = self._slate.find(self._answer[event], self._items.numbers(listed))
        np.minimum.at(shown_ms, pair[pair >= 0], self._time_ms[event][pair >= 0])
        return shown_ms, int(np.count_nonzero(pair < 0))

    def judge_items(self, shown_ms: Ints) -> None:
        """Reject what is about items that were not served, or not yet shown."""
        of_kind = self._kind >= 0
        self._reject(of_kind & (self._pair < 0), Reason.NOT_SERVED)
        if len(shown_ms):
            first_ms = np.where(self._pair >= 0, shown_ms[self._pair], NEVER)
            self._reject(of_kind & (first_ms < NEVER) & (self._time_ms < first_ms), Reason.BEFORE_IMPRESSION)

    def of_kinds(self) -> dict[Kind, Ints]:
        """Return the pairs of the events that count, by kind."""
        stand = self._stand()
        return {kind: self._pair[stand & (self._kind == kind)] for kind in Kind}

    def revenue(self, kinds: dict[Kind, Ints]) -> Floats:
        """Return what each pair brought: a return takes back its own value, what there is of it."""
        stand, values = self._stand(), np.nan_to_num(self._table["event_value"].to_numpy().astype(np.float64))
        pairs = len(self._slate.keys)
        bought, returned = (
            ordered_sum(kinds[kind], values[stand & (self._kind == kind)], pairs)
            for kind in (Kind.PURCHASE, Kind.RETURN)
        )
        back: Floats = np.abs(returned)
        return bought - np.minimum(back, np.maximum(bought, 0.0))

    def rejected(self) -> Counter[Reason]:
        """Return how many events do not count, by reason."""
        return Counter({reason: int(np.count_nonzero(self._reason == code)) for reason, code in _CODES.items()})

    def counting(self) -> int:
        """Return how many events count."""
        return int(np.count_nonzero(self._stand()))


def ordered_sum(groups: Ints, values: Floats, count: int) -> Floats:
    """Return the sum of each group's values, the smallest first, so that it does not depend on their order."""
    order = np.lexsort((values, groups))
    return np.asarray(np.bincount(groups[order], weights=values[order], minlength=count), np.float64)


def _table(answers: pa.Table, columns: Mapping[str, npt.NDArray[np.generic]]) -> pa.Table:
    degraded = pa.array(np.bincount(flat(answers["degraded"])[1], minlength=len(answers)) > 0)
    values = {**{name: answers[name] for name in answers.column_names}, "degraded": degraded}
    values["shopper"] = pc.coalesce(answers["shopper"], answers["session"])
    values |= {name: pa.array(column, from_pandas=True) for name, column in columns.items()}
    return pa.table([values[name] for name in OUTCOMES.names], names=OUTCOMES.names).cast(OUTCOMES)
