"""Interactions as arrays, and histories as inputs of a model."""

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
from alsolike.configuration.configuration import HISTORY_LENGTH, PURCHASE
from model_export.data.features import Feature
from model_export.data.statistics import Counts

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Interactions:
    """Interactions sorted by user, then time. Rows of equal time keep their order.

    Attributes
    ----------
    user
        User numbers 0..users-1, int32 `(n,)`.
    item
        Item positions 1..items, int32 `(n,)`.
    time_ms
        Timestamps in epoch milliseconds, int64 `(n,)`.
    weight
        Weight of the event type after subtraction of returns, above 0, float32 `(n,)`.
    features
        Categorical columns by name, such as `event_type`.
    users, items
        Number of users and of items. A subset keeps the numbers of the full data.
    content
        Feature vectors of the items, of length 1 or 0, `(items + 1, features)`; see `model_export.data.item_content`.
        None if no properties were read.
    history_length
        Maximum number of interactions in a user's history in serving.
    counts
        Counts of all users' interactions if these interactions are from a sample of the users. Models are then fitted
        from the counts. None otherwise.
    item_ids
        Item IDs, `(items + 1,)`, with an empty text for padding. None if they are unknown.
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
    item_ids: npt.NDArray[np.object_] | None = dataclasses.field(default=None, repr=False)

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
        """Sort rows by user, then time. Rows of equal time keep their order.

        Raises
        ------
        ValueError
            If lengths differ, or a user, item or weight is out of range.
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
        """Return a categorical column. If it is missing, all values are unknown."""
        return self.features.get(name) or Feature((), np.zeros(len(self), np.uint16))

    def purchases(self, rows: slice = slice(None)) -> npt.NDArray[np.bool_]:
        """Return a mask of the rows that are purchases. It is all false if the data has no event types."""
        types = self.feature(EVENT_TYPE)
        if PURCHASE not in types.values:
            return np.zeros(len(self.item[rows]), np.bool_)
        purchases: npt.NDArray[np.bool_] = types.codes[rows] == types.values.index(PURCHASE) + 1
        return purchases

    @property
    def offsets(self) -> Ints:
        """First row of each user, and the end, int64 `(users + 1,)`."""
        return np.searchsorted(self.user, np.arange(self.users + 1)).astype(np.int64)

    def repeated(self) -> int:
        """Return the number of duplicates: interactions with the user, item and time of an earlier row."""
        order = np.lexsort((self.item, self.time_ms, self.user))
        columns = self.user[order], self.item[order], self.time_ms[order]
        return int(np.logical_and.reduce([column[1:] == column[:-1] for column in columns]).sum())

    def select(self, rows: npt.NDArray[np.bool_] | slice) -> Interactions:
        """Return the rows of a slice or mask. The result has no counts. Users and items keep their numbers."""
        return dataclasses.replace(
            self,
            counts=None,
            user=self.user[rows],
            item=self.item[rows],
            time_ms=self.time_ms[rows],
            weight=self.weight[rows],
            features={name: feature.take(rows) for name, feature in self.features.items()},
        )

    def by_users(self, *, maximum: int) -> Iterator[Interactions]:
        """Yield chunks that contain all rows of their users. A chunk has at most `maximum` rows, or a single user."""
        offsets, first = self.offsets, 0
        while first < self.users:
            last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + maximum, side="right")) - 1)
            yield self.select(slice(offsets[first], offsets[last]))
            first = last

    def until(self, time_ms: int) -> Interactions:
        """Return the interactions up to a time, inclusive.

        If they have counts, the time must be a cutoff of the counts.
        """
        counts = None if self.counts is None else self.counts.until(time_ms)
        return dataclasses.replace(self.select(self.time_ms <= time_ms), counts=counts)

    def frequencies(self) -> Ints:
        """Return the number of interactions of all users per item, int64 `(items + 1,)`."""
        if self.counts is not None:
            return self.counts.frequencies()
        return np.bincount(self.item, minlength=self.items + 1)

    def frequency_order(self) -> Ints:
        """Return the item positions by descending number of interactions, then by position, int64 `(items,)`."""
        return np.argsort(-self.frequencies()[1:], kind="stable") + 1

    def renumber(self, order: Ints) -> Interactions:
        """Return the interactions with item `order[i]` at position i + 1."""
        position = np.zeros(self.items + 1, np.int32)
        position[order] = np.arange(1, self.items + 1)
        content = None if self.content is None else sp.csr_array(self.content[np.append(0, order)])
        item_ids = None if self.item_ids is None else self.item_ids[np.append(0, order)]
        counts = None if self.counts is None else self.counts.renumber(position)
        return dataclasses.replace(self, item=position[self.item], content=content, counts=counts, item_ids=item_ids)

    def matrix(self) -> sp.csr_array:
        """Return a matrix with 1 for each item that a user interacted with, float32 `(users, items + 1)`."""
        return self._sets(self.user, self.users)

    def sessions(self, *, maximum: int) -> sp.csr_array:
        """Return a matrix with 1 for each item of a session, float32 `(sessions, items + 1)`.

        A session is a sequence of up to `maximum` successive interactions of a user. This limit bounds the cost of
        counting co-occurrences to `maximum` operations per interaction, even for long histories.
        """
        offsets = self.offsets
        place = np.arange(len(self)) - offsets[self.user]
        pieces = -(-np.diff(offsets) // maximum)
        row = np.concatenate([[0], np.cumsum(pieces)])[self.user] + place // maximum
        return self._sets(row, int(pieces.sum()))

    def _sets(self, row: npt.NDArray[Any], rows: int) -> sp.csr_array:
        matrix = sp.csr_array((np.ones(len(self), np.float32), (row, self.item)), shape=(rows, self.items + 1))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    def histories(self, *, starts: Ints, ends: Ints, now_ms: Ints, parameters: HistoryParameters) -> Histories:
        """Return the model inputs that serving would create from the rows `starts[b]:ends[b]` at the time `now_ms[b]`.

        A history contains the latest `parameters.length` rows, oldest first, padded on the left.
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
    """Return the sorted distinct keys, which must be at least 0. `np.unique` takes several times as long."""
    keys = np.sort(keys)
    return keys[np.diff(keys, prepend=-1) > 0]


def unusable_weights(weight: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    unusable: npt.NDArray[np.bool_] = ~(np.isfinite(weight) & (weight > 0))
    return unusable


NO_AGES = np.zeros((0, 0), np.float32)


@dataclasses.dataclass(frozen=True, slots=True)
class Histories:
    """Batch of histories: the inputs `history`, `weights`, `ages` and `feature.NAME` of the ONNX graph.

    Attributes
    ----------
    items
        Item positions, oldest first, int64 `(batch, length)`. Padding is 0 and can be at any index.
    weights
        Weight of the interaction times 0.5 ** (age / half-life), float32 `(batch, length)`. The weight of padding is
        arbitrary.
    ages
        Days between the interaction and the request, float32 `(batch, length)`, 0 by default. The age of padding is
        arbitrary.
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

    def rows(self, selected: slice | Ints) -> Histories:
        return Histories(
            items=self.items[selected],
            weights=self.weights[selected],
            ages=self.ages[selected],
            features={name: codes[selected] for name, codes in self.features.items()},
        )

    def feature(self, name: str) -> Ints:
        """Return the codes of the feature, int64 `(batch, length)`, with 0 for padding and missing features."""
        codes = self.features.get(name)
        return np.zeros(self.items.shape, np.int64) if codes is None else codes.astype(np.int64)

    def matrix(self, *, columns: int, position_decay: float = 1.0) -> sp.csr_array:
        """Return the decayed weights by item, float32 `(batch, columns)`. Column 0 is empty.

        Repeated items have separate entries, oldest first, because summation in this order rounds like the ONNX graph.
        """
        weights = self.weights * positional_decay(self.items, position_decay)
        valid = self.items != 0
        starts = np.append(0, np.cumsum(valid.sum(axis=1)))
        return sp.csr_array((weights[valid], self.items[valid], starts), shape=(len(self), columns))


def positional_decay(items: Ints, position_decay: float) -> Floats:
    """Return position_decay ** (number of later interactions), float32 `(batch, length)`, and 0 for padding.

    Unlike `alsolike.bundle.bundle.history_weights`, the decay depends on the position, not on the age.

    Parameters
    ----------
    items
        Item positions, oldest first, int64 `(batch, length)`. 0 is padding.
    position_decay
        Decay factor, above 0 and at most 1. 1 means no decay.

    Examples
    --------
    >>> positional_decay(np.array([[7, 0, 8, 9]]), 0.5).tolist()
    [[0.25, 0.0, 0.5, 1.0]]
    """
    valid = (items != 0).astype(np.float32)
    later = np.cumsum(valid[:, ::-1], axis=1)[:, ::-1] - valid
    decayed: Floats = np.power(np.float32(position_decay), later) * valid
    return decayed
