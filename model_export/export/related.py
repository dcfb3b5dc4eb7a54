"""Item-to-item tables of a bundle: similar items, and items that are bought together.

Let n_i be the number of sets with item i, and n_ij the number of sets with both items. Over sessions, which are parts
of users' histories,

    similar(i, j) = (n_ij + b * c * cos(i, j)) / (sqrt(n_i * n_j) + b)

where cos is the cosine of the items' properties. The score is the cosine of the items' sessions, shrunken towards c
times the cosine of their properties with the weight of b sessions. Therefore, properties determine the scores of rare
items, and sessions determine the scores of frequent items. Over baskets,

    together(i, j) = n_ij / (n_i^(1 - a) * n_j^a + b)

Without b, this is the share of baskets with i that contain j (a = 0), or the cosine (a = 1/2). b lowers the scores of
random pairs. Items that share only one basket with i get at most half of the lowest score of the other items.

References
----------
B. Sarwar, G. Karypis, J. Konstan, J. Riedl, "Item-based collaborative filtering recommendation algorithms", WWW 2001
(the cosine); R. Bell, Y. Koren, "Scalable collaborative filtering with jointly derived neighborhood interpolation
weights", ICDM 2007 (shrinkage of counts towards a prior); F. Aiolli, "Efficient top-n recommendation for very large
scale binary rated datasets", RecSys 2013, equation 6 (the asymmetric cosine).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from alsolike.arrays.ragged import Ragged
from alsolike.bundle.related import BYTES_A_ROW, BYTES_AN_ENTRY, SIMILAR, TOGETHER, RelatedItems, RelatedTable
from model_export.algorithms.building_blocks.item_to_item import best_of_row, source_blocks
from model_export.data.baskets import basket_items, purchases
from model_export.data.interactions import Floats, Interactions, Ints
from model_export.data.item_content import MAX_PAIRS, rarest

MAX_RELATED = 50
"""Maximum number of related items per item: twice Personalize's default of 25, so that items remain after a filter."""

SHRINK = 30.0
"""Shrinkage b, in sessions or baskets."""

CONTENT_SHARE = 0.03
"""Weight c of equal properties, relative to equal sessions."""

TARGET_POWER = 0.25
"""Exponent a of the target's frequency, which lowers the scores of frequent items."""

SESSION = 50
"""Maximum number of interactions per session, as in item-kNN. Longer histories are split."""

BATCH_PAIRS = 1 << 20
"""Maximum number of pairs of items in memory at a time. A single item may have more pairs."""

MIN_BYTES = 24_000_000
SHARE_OF_BUNDLE = 0.25
"""Maximum size of the tables as a share of the other files that serving reads. The maximum is at least `MIN_BYTES`."""

_MIN_SCORE = np.float32(2.0**-24)  # smallest float16 above 0


class Scores(Protocol):
    """Scores of pairs of items.

    Attributes
    ----------
    pairs
        Number of pairs that each item's row needs in memory, `(items + 1,)`.
    """

    @property
    def pairs(self) -> Ints: ...

    def rows(self, sources: Ints) -> sp.csr_array:
        """Return the rows of the items `sources`, float32 `(len(sources), items + 1)`. An item has 0 in its own row."""
        ...


class Similar:
    """Scores `similar` of the module's docstring, from one product of sparse matrices.

    The columns of the first matrix are sessions and tokens of properties. If the dataset has statistics, which contain
    only the strongest pairs, the columns are items and tokens.
    """

    def __init__(self, interactions: Interactions, *, content_share: float = CONTENT_SHARE) -> None:
        if interactions.counts is None:
            sets = interactions.sessions(maximum=SESSION)
            first, second = sp.csr_array(sets.T), sets
            self._counts = np.diff(first.indptr).astype(np.float32)
        else:
            statistics = interactions.counts.statistics()
            statistics.require("similar", maximum=MAX_RELATED, session=SESSION)
            first, second = sp.eye_array(statistics.gram.shape[0], format="csr"), statistics.gram
            self._counts = statistics.sessions.astype(np.float32)
        known: Any = interactions.content
        if known is None:
            known = sp.csr_array((interactions.items + 1, 0), dtype=np.float32)
        content = rarest(known, MAX_PAIRS)
        prior = content * np.float32(SHRINK * content_share)
        self._first = sp.csr_array(sp.hstack([first, prior], format="csr", dtype=np.float32))
        self._second = sp.csr_array(sp.vstack([second, sp.csr_array(content.T)], format="csr", dtype=np.float32))

    @property
    def pairs(self) -> Ints:
        entries = np.append(0, np.cumsum(np.diff(self._second.indptr)[self._first.indices], dtype=np.int64))
        return np.diff(entries[self._first.indptr])

    def rows(self, sources: Ints) -> sp.csr_array:
        scores = sp.csr_array(self._first[sources] @ self._second)
        source = np.repeat(sources, np.diff(scores.indptr))
        scores.data /= np.sqrt(self._counts[source] * self._counts[scores.indices]) + np.float32(SHRINK)
        return _without_selves(scores, source)


class Together:
    """Scores `together` of the module's docstring. Pairs with only one basket are last in their row."""

    def __init__(self, bought: Interactions, *, seed: int, target_power: float = TARGET_POWER) -> None:
        self._baskets = basket_items(bought, seed=seed)
        self._items = sp.csr_array(self._baskets.T)
        counts = np.diff(self._items.indptr).astype(np.float32)
        self._source_norm, self._target_norm = counts ** (1.0 - target_power), counts**target_power

    @property
    def pairs(self) -> Ints:
        return (self._items @ np.diff(self._baskets.indptr).astype(np.float64)).astype(np.int64)

    def rows(self, sources: Ints) -> sp.csr_array:
        scores = sp.csr_array(self._items[sources] @ self._baskets)
        row = np.repeat(np.arange(len(sources)), np.diff(scores.indptr))
        scores = _without_selves(scores, sources[row])
        once, again = scores.data == 1, scores.data > 1
        scores.data /= self._source_norm[sources[row]] * self._target_norm[scores.indices] + np.float32(SHRINK)
        minimum = np.full(len(sources), np.inf, np.float32)
        np.minimum.at(minimum, row[again], scores.data[again])
        scores.data[once] = np.minimum(scores.data[once], np.float32(0.5) * minimum[row[once]])
        return scores


def related_tables(
    interactions: Interactions, *, event_weights: Mapping[str, float], seed: int
) -> dict[str, RelatedTable]:
    return {
        SIMILAR: table(Similar(interactions)),
        TOGETHER: table(Together(purchases(interactions, event_weights), seed=seed)),
    }


def max_bytes(served_bytes: int) -> int:
    return max(MIN_BYTES, int(SHARE_OF_BUNDLE * served_bytes))


def table(scores: Scores) -> RelatedTable:
    """Return the best related items of every item, computed in blocks. Among ties, lower positions are better."""
    pairs = scores.pairs
    lengths, targets, values = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.float16)]
    for block in source_blocks(pairs, maximum=BATCH_PAIRS):
        rows = best_rows(scores, np.arange(block.start, block.stop), n=MAX_RELATED)
        lengths.append(np.array([len(row) for row, _ in rows]))
        targets.append(np.concatenate([row for row, _ in rows]).astype(np.int32))
        values.append(np.concatenate([row for _, row in rows]).astype(np.float16))
    return RelatedTable(Ragged.from_codes(np.concatenate(lengths), np.concatenate(targets)), np.concatenate(values))


def best_rows(scores: Scores, sources: Ints, *, n: int) -> list[tuple[Any, Floats]]:
    block = scores.rows(sources)
    block.data[block.data < _MIN_SCORE] = 0.0
    return [best_of_row(block, row, n=n) for row in range(len(sources))]


def _without_selves(scores: sp.csr_array, source: Ints) -> sp.csr_array:
    scores.data[scores.indices == source] = 0.0
    return scores


def related_items(tables: Mapping[str, RelatedTable], *, max_bytes: int) -> RelatedItems:
    """Return the tables with rows cut to the greatest length that fits into a file of `max_bytes`."""
    lengths = np.concatenate([each.targets.lengths for each in tables.values()])
    left = max_bytes - BYTES_A_ROW * (len(lengths) + len(tables))
    fitting = (n for n in range(MAX_RELATED, 0, -1) if BYTES_AN_ENTRY * int(np.minimum(lengths, n).sum()) <= left)
    longest = next(fitting, 0)
    return RelatedItems({kind: _cut_rows(each, longest) for kind, each in tables.items()})


def _cut_rows(table: RelatedTable, longest: int) -> RelatedTable:
    lengths = table.targets.lengths
    place = np.arange(len(table.scores)) - np.repeat(table.targets.offsets[:-1].astype(np.int64), lengths)
    kept = place < longest
    targets = Ragged.from_codes(np.minimum(lengths, longest), table.targets.data[kept])
    return RelatedTable(targets, table.scores[kept])
