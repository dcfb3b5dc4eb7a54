"""A filter on the whole catalogue of a deployment, without a model and a user."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from alsolike.configuration import Configuration
from alsolike.filter_evaluation import Asked, FilterEvaluator
from alsolike.filter_tree import Filter
from alsolike.snapshot import Snapshot


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
