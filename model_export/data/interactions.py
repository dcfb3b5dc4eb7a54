"""Interactions as arrays, and the histories that a model scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from alsolike.bundle.bundle import ages, history_weights
from alsolike.bundle.features import EVENT_TYPE
from alsolike.bundle.manifest import HistoryParameters
from alsolike.domain.configuration import HISTORY_LENGTH, PURCHASE
from model_export.data.counts import Counts
from model_export.data.features import Feature
from model_export.data.recency import positional_decay

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Interactions:
    """Interactions sorted by user, then time; rows of equal time keep their order.

    Attributes
    ----------
    user
        int32 `(n,)`, 0..users-1.
    item
        int32 `(n,)`, positions 1..items.
    time_ms
        int64 `(n,)`, epoch milliseconds.
    weight
        float32 `(n,)`, weight of the event's type, above 0.
    features
        Categorical columns by name: `event_type`.
    users, items
        How many there are; a part of the data keeps the numbers of the whole.
    content
        Features of the items, `(items + 1, features)`, rows of length 1 or 0, see `model_export.data.item_content`;
        None where nothing is known of any item.
    history_length
        Length of a user's history in serving: a model sees so many of the latest interactions.
    counts
        Where these are some users' interactions: what was counted of all users', up to the same moment. Models are
        fitted from them. None where these are all.
    """

    user: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    time_ms: Ints
    weight: Floats
    users: int
    items: int
    content: sp.csr_array | None = None
    history_length: int = HISTORY_LENGTH
    counts: Counts | None = None
    features: Mapping[str, Feature] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.user)

    @classmethod
    def from_rows(
        cls,
        *,
        user: npt.NDArray[Any],
        item: npt.NDArray[Any],
        time_ms: npt.NDArray[Any],
        weight: npt.NDArray[Any],
        users: int,
        items: int,
        features: Mapping[str, Feature] = MappingProxyType({}),
    ) -> Interactions:
        """Sort rows by user, then time, keeping the given order of equal times.

        Raises
        ------
        ValueError
            If lengths differ, or a user, item or weight is out of range; the first such weight is named.
        """
        lengths = {len(user), len(item), len(time_ms), len(weight)}
        if len(lengths) != 1:
            raise ValueError(f"user, item, time_ms and weight have lengths {sorted(lengths)}, expected one length")
        if len(user) and (user.min() < 0 or user.max() >= users):
            raise ValueError(f"users lie in {user.min()}..{user.max()}, expected 0..{users - 1}")
        if len(item) and (item.min() < 1 or item.max() > items):
            raise ValueError(f"items lie in {item.min()}..{item.max()}, expected 1..{items}")
        if (bad := unusable_weights(weight)).any():
            raise ValueError(f"row {bad.argmax()} weighs {weight[bad.argmax()]}, expected a finite number above 0")
        order = np.lexsort((time_ms, user))
        return cls(
            user=user[order].astype(np.int32),
            item=item[order].astype(np.int32),
            time_ms=time_ms[order].astype(np.int64),
            weight=weight[order].astype(np.float32),
            users=users,
            items=items,
            features={name: feature.take(order) for name, feature in features.items()},
        )

    def feature(self, name: str) -> Feature:
        """Return a categorical column; one that the data lacks has only unknown values."""
        return self.features.get(name) or Feature((), np.zeros(len(self), np.uint16))

    def purchases(self, rows: slice = slice(None)) -> npt.NDArray[np.bool_]:
        """Return which rows are purchases; none where the data have no event types."""
        types = self.feature(EVENT_TYPE)
        if PURCHASE not in types.values:
            return np.zeros(len(self.item[rows]), np.bool_)
        purchases: npt.NDArray[np.bool_] = types.codes[rows] == types.values.index(PURCHASE) + 1
        return purchases

    @property
    def offsets(self) -> Ints:
        """First row of each user and the end, int64 `(users + 1,)`."""
        return np.searchsorted(self.user, np.arange(self.users + 1)).astype(np.int64)

    def repeated(self) -> int:
        """Return how many interactions have the user, item and time of another one, which is not counted."""
        order = np.lexsort((self.item, self.time_ms, self.user))
        columns = self.user[order], self.item[order], self.time_ms[order]
        return int(np.logical_and.reduce([column[1:] == column[:-1] for column in columns]).sum())

    def select(self, rows: npt.NDArray[np.bool_] | slice) -> Interactions:
        """Return some rows, or those where `rows` is true, without counts; users and items keep their numbers."""
        return dataclasses.replace(
            self,
            counts=None,
            user=self.user[rows],
            item=self.item[rows],
            time_ms=self.time_ms[rows],
            weight=self.weight[rows],
            features={name: feature.take(rows) for name, feature in self.features.items()},
        )

    def by_users(self, *, most: int) -> Iterator[Interactions]:
        """Yield the rows in their order, without counts: at most so many at a time, or one user's."""
        offsets, first = self.offsets, 0
        while first < self.users:
            last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + most, side="right")) - 1)
            yield self.select(slice(offsets[first], offsets[last]))
            first = last

    def until(self, time_ms: int) -> Interactions:
        """Return what happened up to a moment, which has to be one of those that are counted, if any are."""
        counts = None if self.counts is None else self.counts.until(time_ms)
        return dataclasses.replace(self.select(self.time_ms <= time_ms), counts=counts)

    def frequencies(self) -> Ints:
        """Return how many interactions each item has, of all users, int64 `(items + 1,)`."""
        if self.counts is not None:
            return self.counts.frequencies()
        return np.bincount(self.item, minlength=self.items + 1)

    def frequency_order(self) -> Ints:
        """Return the items, most interactions first, then by position, int64 `(items,)`."""
        return np.argsort(-self.frequencies()[1:], kind="stable") + 1

    def renumber(self, order: Ints) -> Interactions:
        """Return the interactions with item `order[i]` at position i + 1."""
        position = np.zeros(self.items + 1, np.int32)
        position[order] = np.arange(1, self.items + 1)
        content = None if self.content is None else sp.csr_array(self.content[np.append(0, order)])
        counts = None if self.counts is None else self.counts.renumber(position)
        return dataclasses.replace(self, item=position[self.item], content=content, counts=counts)

    def matrix(self) -> sp.csr_array:
        """Return whether a user had an item, float32 0 or 1, shape `(users, items + 1)`; column 0 is empty."""
        ones = np.ones(len(self), np.float32)
        matrix = sp.csr_array((ones, (self.user, self.item)), shape=(self.users, self.items + 1))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    def sessions(self, *, most: int) -> sp.csr_array:
        """Return items that occur together: each user's interactions in pieces of `most`, float32 0 or 1.

        Rows are the pieces, columns items, `(pieces, items + 1)`. A product of the matrix with itself then costs at
        most `most` operations an interaction, whatever the longest history is.
        """
        offsets = self.offsets
        place = np.arange(len(self)) - offsets[self.user]
        pieces = -(-np.diff(offsets) // most)
        row = np.concatenate([[0], np.cumsum(pieces)])[self.user] + place // most
        ones = np.ones(len(self), np.float32)
        matrix = sp.csr_array((ones, (row, self.item)), shape=(int(pieces.sum()), self.items + 1))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    def histories(self, *, starts: Ints, ends: Ints, now_ms: Ints, parameters: HistoryParameters) -> Histories:
        """Return what serving would send for each window of rows `starts[b]:ends[b]`, asked at `now_ms[b]`.

        The latest `parameters.length` rows are kept, oldest first, padding on the left.
        """
        rows = ends[:, None] + np.arange(-parameters.length, 0)[None, :]  # (B, L)
        valid = rows >= starts[:, None]
        rows = np.where(valid, rows, 0)
        if not len(self):
            empty = np.zeros(rows.shape, np.int64)
            return Histories(items=empty, weights=empty.astype(np.float32))
        age_ms = now_ms[:, None] - self.time_ms[rows]
        weights = history_weights(parameters, self.weight[rows], age_ms)
        return Histories(
            items=np.where(valid, self.item[rows], 0).astype(np.int64),
            weights=np.where(valid, weights, np.float32(0.0)),
            ages=ages(age_ms),
            features={name: np.where(valid, found.codes[rows], 0) for name, found in self.features.items()},
        )


def distinct(keys: Ints) -> Ints:
    """Return keys, at least 0, in order and once each; `np.unique` hashes them, in a hundred times as long."""
    keys = np.sort(keys)
    return keys[np.diff(keys, prepend=-1) > 0]


def unusable_weights(weight: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which weights are no finite numbers above 0."""
    unusable: npt.NDArray[np.bool_] = ~(np.isfinite(weight) & (weight > 0))
    return unusable


NO_AGES = np.zeros((0, 0), np.float32)


@dataclasses.dataclass(frozen=True, slots=True)
class Histories:
    """A batch of histories: exactly the inputs `history`, `weights`, `ages` and `feature.NAME` of the ONNX graph.

    Attributes
    ----------
    items
        int64 `(batch, length)`, positions, oldest first; 0 is padding and may stand anywhere.
    weights
        float32 `(batch, length)`, weight of the event's type times 0.5 ** (age / half-life); of padding, any number.
    ages
        float32 `(batch, length)`, days between the interaction and the request; of padding, any number. 0 by default.
    features
        Codes of categorical columns by name, integers `(batch, length)`; see `feature`.
    """

    items: Ints
    weights: Floats
    ages: Floats = dataclasses.field(default_factory=lambda: NO_AGES)
    features: Mapping[str, npt.NDArray[Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.ages is NO_AGES:
            object.__setattr__(self, "ages", np.broadcast_to(np.float32(0.0), self.items.shape))

    def __len__(self) -> int:
        return len(self.items)

    def rows(self, chosen: slice | Ints) -> Histories:
        """Return some of the histories."""
        return Histories(
            items=self.items[chosen],
            weights=self.weights[chosen],
            ages=self.ages[chosen],
            features={name: codes[chosen] for name, codes in self.features.items()},
        )

    def feature(self, name: str) -> Ints:
        """Return the codes of `Interactions.feature(name)`, int64 `(batch, length)`; padding is 0."""
        codes = self.features.get(name)
        return np.zeros(self.items.shape, np.int64) if codes is None else codes.astype(np.int64)

    def matrix(self, *, columns: int, position_decay: float = 1.0) -> sp.csr_array:
        """Return the decayed weights by item, float32 `(batch, columns)`; column 0 is empty.

        An item that stands twice has two values, oldest first: added up one after the other, as a graph adds them up,
        a thousand of one item come to the same sum.
        """
        weights = self.weights * positional_decay(self.items, position_decay)
        valid = self.items != 0
        starts = np.append(0, np.cumsum(valid.sum(axis=1)))
        return sp.csr_array((weights[valid], self.items[valid], starts), shape=(len(self), columns))
