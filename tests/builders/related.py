"""Item-to-item tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alsolike.arrays.ragged import Ragged
from alsolike.bundle.related import RelatedTable


def related_table(rows: Sequence[Sequence[tuple[int, float]]], *, dtype: type = np.float16) -> RelatedTable:
    """Return a table of the positions 1 to N from rows of related positions and scores, best first."""
    entries = [entry for row in rows for entry in row]
    targets = np.array([target for target, _ in entries], np.int32)
    scores: np.ndarray[Any, Any] = np.array([score for _, score in entries], dtype)
    return RelatedTable(Ragged.from_codes([0, *map(len, rows)], targets), scores)
