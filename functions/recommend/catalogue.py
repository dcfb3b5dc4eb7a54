"""The catalogue snapshot as one model sees it: what may be answered, and what an item is now."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.bundle import Bundle
from alsolike.configuration import Configuration
from alsolike.filter_evaluation import Asked, FilterEvaluator
from alsolike.filter_tree import Filter
from alsolike.ragged import find
from alsolike.snapshot import Snapshot
from functions.recommend.model import Bias


class Catalogue:
    """A snapshot beside a model's bundle, under one configuration.

    An item that the model knows and the catalogue never had is answered as the bundle has it; one that was deleted
    from the catalogue is not answered.
    """

    def __init__(self, snapshot: Snapshot, bundle: Bundle, configuration: Configuration) -> None:
        self._snapshot = snapshot
        self._bundle = bundle
        self._configuration = configuration
        deleted = find(bundle.id_hashes, snapshot.deleted_hashes())
        self._deleted = bundle.id_positions[deleted[deleted >= 0]].astype(np.int64)

    def bias(self, filter_: Filter | None, asked: Asked, *, name: str) -> Bias | None:
        """Return what bars items that were deleted or do not pass the filter; None where nothing is barred.

        Raises
        ------
        InvalidInput
            If the values asked with do not fit the filter.
        """
        if filter_ is not None:
            return self._evaluator.bias(filter_, asked, name=name)
        return self._bias_of_deleted if len(self._deleted) else None

    def properties(self, item_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return the properties of items: the catalogue's, else the model's; {} where neither has the item."""
        positions = self._bundle.positions(item_ids).tolist()
        return [
            self._snapshot.properties(row) if row >= 0 else self._bundle.metadata(position) if position else {}
            for row, position in zip(self._snapshot.rows(item_ids).tolist(), positions, strict=True)
        ]

    @functools.cached_property
    def _bias_of_deleted(self) -> Bias:
        bias = np.zeros(self._bundle.manifest.items + 1, np.float32)
        bias[self._deleted] = -np.inf
        return bias

    @functools.cached_property
    def _evaluator(self) -> FilterEvaluator:
        rows: npt.NDArray[np.int64] = np.full(self._bundle.manifest.items + 1, -1)
        rows[self._bundle.id_positions] = self._snapshot.rows_by_hash(self._bundle.id_hashes)
        return FilterEvaluator(
            self._snapshot,
            rows,
            positions=self._bundle.positions,
            canonical=self._configuration.canonical_event_type,
            barred=self._deleted,
        )
