"""Items with their catalogue data, pairs of a response and a recommended item, and the views of these pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration.columns import CREATED
from alsolike.declarations.times import DAY_MS
from alsolike.snapshot.snapshot import NumberColumn, Snapshot

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_BATCH_ITEMS = 65_536


class Items:
    """Indices of items, assigned at the first occurrence. Memory grows with the number of items."""

    def __init__(self, catalogue: Snapshot) -> None:
        self._catalogue = catalogue
        self._numbers: dict[str | None, int] = {}
        self._names: list[str] = []
        self._created_ms = np.zeros(0, np.float64)
        self._known = np.zeros(0, bool)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def catalogue_items(self) -> int:
        return len(self._catalogue)

    def numbers(self, item_ids: pa.Array | pa.ChunkedArray) -> Ints:
        """Return the index of each item; -1 for null."""
        if isinstance(item_ids, pa.ChunkedArray):
            item_ids = item_ids.combine_chunks()
        encoded = item_ids.dictionary_encode()
        numbers = np.array([self._number(item) for item in encoded.dictionary.to_pylist()] or [-1], np.int64)
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return np.where(places < 0, -1, numbers[places])

    def created_ms(self) -> npt.NDArray[np.float64]:
        """Return the creation time by item index in epoch milliseconds; NaN if unknown."""
        self._look_up()
        return self._created_ms

    def in_catalogue(self) -> npt.NDArray[np.bool_]:
        self._look_up()
        return self._known

    def _number(self, item: str) -> int:
        number = self._numbers.setdefault(item, len(self._names))
        if number == len(self._names):
            self._names.append(item)
        return number

    def _look_up(self) -> None:
        """Look up in the catalogue the items that were indexed since the last call."""
        created, known = [self._created_ms], [self._known]
        for first in range(len(self._known), len(self._names), _BATCH_ITEMS):
            rows = self._catalogue.rows(self._names[first : first + _BATCH_ITEMS])
            known.append(rows >= 0)
            created.append(self._creations(rows))
        if len(known) > 1:
            self._created_ms, self._known = np.concatenate(created), np.concatenate(known)

    def _creations(self, rows: Ints) -> npt.NDArray[np.float64]:
        column = self._catalogue.column(CREATED)
        if isinstance(column, NumberColumn):
            return np.where(rows >= 0, column.values[rows] * 1000, np.nan)
        return np.array([_created_ms(self._catalogue.properties(row)) if row >= 0 else np.nan for row in rows.tolist()])


def _created_ms(properties: dict[str, Any]) -> float:
    created = properties.get(CREATED)
    return created * 1000.0 if isinstance(created, int | float) else np.nan


class Slate:
    """Distinct pairs of a response and a recommended item, sorted.

    `answer` and `item` contain the row of the response and the item index per pair. Recommended items that are null are
    left out. The attribute `answers` is the number of responses.
    """

    def __init__(self, answers: pa.Table, items: Items) -> None:
        listed, answer = flat(answers["item_ids"])
        numbers = items.numbers(listed)
        self._items, self.answers = items, len(answers)
        self._width = len(items) + 1
        self.keys = _distinct((answer * self._width + numbers)[numbers >= 0])
        self.answer, self.item = self.keys // self._width, self.keys % self._width

    def find(self, answer: Ints, item: Ints) -> Ints:
        """Return the index of each pair; -1 if the pair is not in the slate."""
        keys = answer * self._width + item
        places = np.searchsorted(self.keys, keys)
        exists = (answer >= 0) & (item >= 0) & (item < self._width) & (places < len(self.keys))
        exists &= self.keys[np.where(exists, places, 0)] == keys if len(self.keys) else False
        return np.where(exists, places, -1)

    def items(self) -> Ints:
        return np.bincount(self.answer, minlength=self.answers)

    def new_items(self, served_ms: Ints, *, new_item_days: int) -> Ints:
        are_new = self._items.created_ms()[self.item] >= served_ms[self.answer] - new_item_days * DAY_MS
        return np.bincount(self.answer[are_new], minlength=self.answers)

    def novelty(self, popularity: Ints) -> Floats:
        """Return the mean self-information of the items per response, in bits.

        NaN for empty responses, and for all responses if there are no events.

        An item without events counts as having one event.

        References
        ----------
        T. Zhou et al. (2010), Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 107(10): the
        mean of log2(1 / p) over a list. p is an item's share of all events, as in S. Vargas, P. Castells (2011), Rank
        and relevance in novelty and diversity metrics for recommender systems, RecSys, section 4.
        """
        total = int(popularity.sum())
        counts = np.pad(popularity, (0, max(0, len(self._items) - len(popularity))))
        if not total:
            return np.full(self.answers, np.nan)
        bits = np.log2(total / np.maximum(counts[self.item], 1))
        items = self.items()
        return np.where(items > 0, ordered_sum(self.answer, bits, self.answers) / np.maximum(items, 1), np.nan)


class Views:
    """Distinct views, sorted. A view is a pair of response and item that a viewer's events reference.

    A response for a user or session has one viewer. Other responses may have several viewers. `pairs` (indices in the
    slate) and `viewers` (indices) have one element per reference, including repeated references.
    """

    def __init__(self, slate: Slate, pairs: Ints, viewers: Ints) -> None:
        self._viewers = int(viewers.max(initial=0)) + 1
        self._keys = _distinct(pairs * self._viewers + viewers)
        self._answer, self._answers = slate.answer[self._keys // self._viewers], slate.answers

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, pairs: Ints, viewers: Ints) -> Ints:
        """Return the index of each view. All views must exist."""
        return np.searchsorted(self._keys, pairs * self._viewers + viewers)

    def marked(self, views: Ints) -> Bools:
        marks = np.zeros(len(self), bool)
        marks[views] = True
        return marks

    def count(self, marks: Bools) -> Ints:
        return np.bincount(self._answer[marks], minlength=self._answers)

    def sum(self, values: Floats) -> Floats:
        return ordered_sum(self._answer, values, self._answers)


def ordered_sum(groups: Ints, values: Floats, count: int) -> Floats:
    """Return the sum of values per group.

    Values are added in ascending order, so that the result does not depend on the order of `values`.
    """
    order = np.lexsort((values, groups))
    return np.asarray(np.bincount(groups[order], weights=values[order], minlength=count), np.float64)


def _distinct(keys: Ints) -> Ints:
    keys = np.sort(keys)  # np.unique hashes, which takes longer.
    return np.concatenate([keys[:1], keys[1:][np.diff(keys) > 0]])


def flat(lists: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    """Return the elements of all lists, and the row of each element. Null counts as an empty list."""
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.combine_chunks()
        if isinstance(lists, pa.ChunkedArray):
            lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    elements = pc.list_flatten(lists)
    return elements, pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
