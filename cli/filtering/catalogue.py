"""A filter on the whole catalogue of a deployment, without a model and a user."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from alsolike.configuration import Configuration
from alsolike.filter_evaluation import Asked, FilterEvaluator
from alsolike.filter_spelling import closest, texts
from alsolike.filter_tree import Dataset, Filter
from alsolike.snapshot import ListColumn, Snapshot, StringColumn
from alsolike.wire import describe


def unmatched_values(filter_: Filter, snapshot: Snapshot) -> list[str]:
    """Return a hint for each text in a condition on items that no item has in this column."""
    hints = []
    for column, text in texts(filter_):
        values = snapshot.column(column.key) if column.dataset is Dataset.ITEMS else None
        if isinstance(values, StringColumn | ListColumn) and values.dictionary.code(text) < 0:
            near = closest(text, values.dictionary)
            meant = f", did you mean {describe(near)}?" if near else ""
            hints.append(f"hint: no item has {describe(text)} in {column.dataset}.{column.name}{meant}")
    return hints


def passing(filter_: Filter, snapshot: Snapshot, configuration: Configuration, *, asked: Asked) -> int:
    """Return how many items of the catalogue pass.

    Raises
    ------
    InvalidInput
        If the values do not fit the filter.
    """
    rows = snapshot.live_rows()
    place = np.zeros(snapshot.row_count + 1, np.int64)
    place[rows] = np.arange(1, len(rows) + 1)

    def positions(item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        return place[snapshot.rows(item_ids)]  # -1, of an item that is not there, is the last one: 0

    evaluator = FilterEvaluator(
        snapshot, np.concatenate([[-1], rows]), positions=positions, canonical=configuration.canonical_event_type
    )
    bias = evaluator.bias(filter_, asked, name="the filter")
    return int(np.count_nonzero(bias[1:] == 0))
