"""Distilled: one item-to-item table from other algorithms' scores. A request takes as long as with `transitions`.

The table of a model contains its scores for histories of a single item: the rows of an item-to-item model, a diagonal
for repeat purchases, or a network's scores after each item. A power below 1 makes large values less dominant, so that
items that follow several items of a history rank higher. Each table is scaled to a mean row sum of 1. The distilled
table keeps the largest values per row of the weighted sum of all tables. Score = positionally decayed history times the
distilled table.

The validation set selects the weights, the half-life and the positional decay. The search starts with the half-life and
decay of the best single table. Each round searches for the weights, then for half-life and decay together. The search
ends after the first round without a gain, or after `MAX_ROUNDS`.

References
----------
M. Choi, S. Lee, S. Park, J. Lee, "Linear item-item models with neural knowledge for session-based recommendation",
SIGIR 2025 (a network's scores of single items in a linear model).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from model_export.algorithms.blend import best_weights, ndcg_of
from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel
from model_export.api import Algorithm, Combination, Judge, Model
from model_export.data.chunks import chunks
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.data.top_n import kth_best

POSITION_DECAYS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

MAX_ROUNDS = 3
"""Maximum number of rounds of the search. It usually ends after two rounds."""

MAX_ITEMS = 100_000
"""Maximum number of items. With more, it takes too long to compute a network's scores of all items after each item."""

BATCH_BYTES = 64 << 20

Tables = Mapping[str, sp.csr_array]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distilled(Combination):
    """Settings of the algorithm `distilled`.

    Attributes
    ----------
    parts
        Pairs of the distilled algorithms' settings and weights above 0, in alphabetical order.
    targets
        Number of targets per item.
    power
        Exponent of the values in each algorithm's table. 1 leaves the values unchanged.
    """

    name: ClassVar[str] = "distilled"
    by_default: ClassVar[bool] = False
    position_decay: float = 0.6
    parts: tuple[tuple[Algorithm, float], ...] = ()
    targets: int = 100
    power: float = 0.7

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        if interactions.items <= MAX_ITEMS:
            return None
        return f"its limit is {MAX_ITEMS:,} items, and there are {interactions.items:,}; transitions has no limit"

    def search(self, tuned: Mapping[str, Model], judge: Judge) -> Distilled:
        tables = {name: self._table(tuned[name]) for name in sorted(tuned)}
        best_ndcg, best = max((self._single(tuned[name], tables, judge) for name in tables), key=lambda each: each[0])
        half_lives = sorted({model.settings.half_life_days for model in tuned.values()})
        for _ in range(MAX_ROUNDS):
            weights = best_weights(list(tables), best._ndcg_by_weights(tables, judge))
            parts = tuple((tuned[name].settings, weights[name]) for name in sorted(weights))
            ndcg, settings = dataclasses.replace(best, parts=parts)._best_decays(tables, judge, half_lives)
            if ndcg <= best_ndcg:
                break
            best_ndcg, best = ndcg, settings
        return best

    def components(self) -> Sequence[Algorithm]:
        return tuple(settings for settings, _ in self.parts)

    def describe(self) -> str:
        parts = " + ".join(f"{weight:g} {settings.name}" for settings, weight in self.parts) or "no parts"
        return f"{parts}; half_life_days {self.half_life_days:g}, position_decay {self.position_decay:g}"

    def combine(self, models: Sequence[Model]) -> ItemRowsModel:
        if not models:
            raise ValueError("a distilled table has no parts, expected at least one; search for them before fitting")
        return self._distil({model.settings.name: self._table(model) for model in models})

    def _single(self, model: Model, tables: Tables, judge: Judge) -> tuple[float, Distilled]:
        """Evaluate settings with only the table, half-life and decay of `model`. Return the NDCG and the settings."""
        settings = dataclasses.replace(
            self,
            half_life_days=model.settings.half_life_days,
            position_decay=model.settings.position_decay,
            parts=((model.settings, 1.0),),
        )
        return ndcg_of(settings._distil(tables), judge), settings

    def _best_decays(self, tables: Tables, judge: Judge, half_lives: Collection[float]) -> tuple[float, Distilled]:
        """Search for the best half-life and decay with the weights of `parts`. Return the NDCG and the settings."""
        model = self._distil(tables)
        settings = [
            dataclasses.replace(self, half_life_days=days, position_decay=decay)
            for days, decay in itertools.product(half_lives, sorted({*POSITION_DECAYS, self.position_decay}))
        ]
        return max(((ndcg_of(model.with_settings(each), judge), each) for each in settings), key=lambda each: each[0])

    def _ndcg_by_weights(self, tables: Tables, judge: Judge) -> Callable[[Mapping[str, float]], float]:
        """Return a function that computes the NDCG of a weighted sum of tables.

        Unlike `_distil`, the function does not truncate rows to `targets` values.
        """

        def score(table: sp.csr_array, histories: Histories) -> Floats:
            history = histories.matrix(columns=table.shape[0], position_decay=self.position_decay)
            scores: Floats = (history @ table).toarray()
            return scores

        scorers = {name: functools.partial(score, table) for name, table in tables.items()}
        return judge.ndcg_by_weights((*tables, self.half_life_days, self.position_decay), self.half_life_days, scorers)

    def _distil(self, tables: Tables) -> ItemRowsModel:
        total: Any = sum(tables[part.name] * np.float32(weight) for part, weight in self.parts)
        items = total.shape[0] - 1
        rows = ItemRows.from_blocks([sp.csr_array(total[1:])], items=items, n=self.targets)
        return ItemRowsModel(settings=self, items=items, rows=rows)

    def _table(self, model: Model) -> sp.csr_array:
        """Return a scaled table of a model's largest scores by single item, float32 `(items + 1, items + 1)`."""
        table = model.single_item_scores(maximum=self.targets)
        if table is None:
            blocks = scores_of_single_items(model, sources=model.items, targets=self.targets)
            table = ItemRows.from_blocks(blocks, items=model.items, n=self.targets).table()
        table.data **= np.float32(self.power)
        table.data *= np.float32(model.items) / max(table.data.sum(), np.float32(1e-30))
        return table


def scores_of_single_items(model: Model, *, sources: int, targets: int) -> Iterator[sp.csr_array]:
    """Yield tables with the largest scores after each of the first `sources` items, as chunks of rows."""
    for rows in chunks(sources, items=model.items, length=1, max_bytes=BATCH_BYTES, pairs=False):
        items = np.arange(1 + rows.start, 1 + rows.stop)[:, None]
        scores = model.score(Histories(items=items, weights=np.ones(items.shape, np.float32)))
        lowest = np.array([kth_best(row, targets) for row in scores])
        scores[scores < lowest[:, None]] = 0.0
        yield sp.csr_array(scores)
