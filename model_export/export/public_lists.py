"""Public lists of a model: its scores after single items, distilled into one table without rare pairs of items.

The table of an item-to-item model contains the model's own scores. Other models are distilled as in
`model_export.algorithms.distilled`, with the largest scores after each single item.

A pair of items is published only if at least `MIN_USERS` distinct users interacted with both. Only a user's latest
`LATEST` interactions count, and only the users of a sample if models are fitted from statistics. Both limits undercount
users, so that more pairs are removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import scipy.sparse as sp

from alsolike.arrays.ragged import Ragged
from alsolike.bundle.public_lists import MIN_USERS, PublicLists
from alsolike.bundle.related import RelatedTable
from model_export.algorithms.building_blocks.item_to_item import ItemRows, best_of_row, source_blocks
from model_export.algorithms.distilled import Distilled, scores_of_single_items
from model_export.api import Model
from model_export.data.interactions import Floats, Interactions, Ints

TARGETS = 20
"""Maximum number of published targets per item."""

CANDIDATES = 100
"""Number of targets per item before rare pairs are removed."""

MAX_POPULAR = 100
LATEST = 200
"""Maximum number of latest interactions per user that count, which bounds the cost of counting pairs."""

MAX_SCORES = 1_000_000_000
"""Maximum number of scores to compute for a model without a table. With more, the least frequent items get no row."""

BATCH_PAIRS = 1 << 22
DIGITS = 4
"""Significant decimal digits of a score. A browser reads the same number as training has written."""


def public_lists(model: Model, interactions: Interactions, popular: Sequence[int] | Ints) -> PublicLists:
    """Return the public lists of a model. `popular` are positions, best first."""
    offsets = interactions.offsets
    is_latest = offsets[interactions.user + 1] - np.arange(len(interactions)) <= LATEST
    user_matrix = interactions.select(is_latest).matrix()
    item_matrix = sp.csr_array(user_matrix.T)
    users = np.diff(item_matrix.indptr)
    kept = np.asarray(popular, np.int32)
    table = _without_rare_pairs(_scores(model), user_matrix, item_matrix)
    return PublicLists(_rows(table), kept[users[kept] >= MIN_USERS][:MAX_POPULAR], model.settings.position_decay)


def _scores(model: Model) -> sp.csr_array:
    """Return the largest scores for a history of one item, with one row per item, float32 `(items + 1, items + 1)`.

    If the model has no table, each score is raised to the power `Distilled.power`.
    """
    table = model.single_item_scores(maximum=CANDIDATES)
    blocks: Iterable[sp.csr_array]
    if table is not None:
        blocks, sources = [sp.csr_array(table[1:])], model.items
    else:
        sources = min(model.items, MAX_SCORES // model.items)
        blocks = scores_of_single_items(model, sources=sources, targets=CANDIDATES)
    rows = ItemRows.strongest(
        blocks, sources=np.arange(1, sources + 1, dtype=np.int32), items=model.items, n=CANDIDATES
    )
    strongest = rows.table()
    if table is None:
        strongest.data **= np.float32(Distilled.power)
    return strongest


def _without_rare_pairs(table: sp.csr_array, user_matrix: sp.csr_array, item_matrix: sp.csr_array) -> sp.csr_array:
    pairs = (item_matrix @ np.diff(user_matrix.indptr).astype(np.float64)).astype(np.int64)
    kept = [sp.csr_array((1, table.shape[1]), dtype=np.float32)]
    for block in source_blocks(pairs, maximum=BATCH_PAIRS):
        common = sp.csr_array(item_matrix[block.start : block.stop] @ user_matrix)
        common.data = (common.data >= MIN_USERS).astype(np.float32)
        kept.append(sp.csr_array(table[block.start : block.stop].multiply(common)))
    result = sp.csr_array(sp.vstack(kept, format="csr"))
    result.eliminate_zeros()
    return result


def _rows(table: sp.csr_array) -> RelatedTable:
    """Return the rows with rounded scores, best first. The largest score of the table is 1."""
    table.data = _rounded(table.data / max(table.data.max(initial=0.0), np.float32(1e-30)))
    rows = [best_of_row(table, row, n=TARGETS) for row in range(table.shape[0])]
    targets = np.concatenate([row for row, _ in rows]).astype(np.int32)
    scores = np.concatenate([values for _, values in rows]).astype(np.float32)
    return RelatedTable(Ragged.from_codes(np.array([len(row) for row, _ in rows]), targets), scores)


def _rounded(values: Floats) -> Floats:
    return np.array([float(f"{value:.{DIGITS - 1}e}") for value in values.tolist()], np.float32)
