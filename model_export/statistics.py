"""Training statistics that were counted where the interactions are (`alsolike.statistics`), as matrices."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp

from alsolike import statistics
from alsolike.errors import InvalidDataset, InvalidInput
from alsolike.statistics import Counting

Doubles = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Statistics:
    """What a model can be fitted from without interactions.

    Attributes
    ----------
    item_ids
        Of positions 1..N.
    sums
        float64 `(items + 1,)`: what a row of all transitions adds up to.
    transitions
        float64 `(items + 1, items + 1)`: C of `model_export.algorithms.transitions`, the strongest targets of a row.
    sessions
        float64 `(items + 1,)`: how many have an item.
    gram
        float64 `(items + 1, items + 1)`, symmetric: how many have both; the diagonal is `sessions`. A pair that is
        among the strongest of neither item is 0.
    """

    counting: Counting
    item_ids: Sequence[str]
    sums: Doubles
    transitions: sp.csr_array
    sessions: Doubles
    gram: sp.csr_array

    @property
    def items(self) -> int:
        """How many there are."""
        return len(self.item_ids)

    def require(self, algorithm: str, *, most: int, **wanted: float) -> None:
        """Refuse settings that were not counted with.

        Raises
        ------
        InvalidInput
            If one differs, or more targets are wanted than stayed.
        """
        for name, value in wanted.items():
            if (counted := getattr(self.counting, name)) != value:
                raise InvalidInput(f"{algorithm} has {name} {value:g}, the statistics were counted with {counted:g}")
        if most > self.counting.most:
            raise InvalidInput(f"{algorithm} keeps {most} targets, the statistics have {self.counting.most} at most")


def load(dataset: Path) -> Statistics | None:
    """Read the statistics of a dataset; None where there are none.

    Raises
    ------
    InvalidDataset
        If they are not whole.
    """
    directory = dataset / statistics.STATISTICS
    manifest = directory / statistics.STATISTICS_MANIFEST
    if not manifest.is_file():
        return None
    counting = Counting.from_json(manifest.read_bytes())
    items = _read(directory / statistics.ITEMS, statistics.ITEM_STATISTICS)
    items = items.sort_by("position")
    size = len(items) + 1
    if not np.array_equal(items["position"].to_numpy(), np.arange(1, size)):
        raise InvalidDataset(f"{directory / statistics.ITEMS} has other positions than 1 to {len(items)}, each once")
    transitions, gram = (
        _matrix(_read(directory / name, statistics.PAIR_COLUMNS), size=size)
        for name in (statistics.TRANSITIONS, statistics.GRAM)
    )
    sessions = np.append(0.0, items["sessions"].to_numpy())
    # A pair may stand there once, if it is among the strongest of one item and not of the other.
    both: Any = gram.maximum(gram.T)
    both = both + sp.diags_array(sessions)
    return Statistics(
        counting=counting,
        item_ids=items["item_id"].to_pylist(),
        sums=np.append(0.0, items["transitions"].to_numpy()),
        transitions=transitions,
        sessions=sessions,
        gram=sp.csr_array(both),
    )


def _read(directory: Path, columns: Sequence[str]) -> pa.Table:
    parts = sorted(directory.glob("*.parquet"))
    if not parts:
        raise InvalidDataset(f"{directory} holds no Parquet parts")
    try:
        return pa.concat_tables([pq.read_table(part, columns=list(columns)) for part in parts])
    except (pa.ArrowInvalid, KeyError) as error:
        raise InvalidDataset(f"{directory} has a part that is no Parquet with {', '.join(columns)}: {error}") from error


def _matrix(pairs: pa.Table, *, size: int) -> sp.csr_array:
    places = pairs["source"].to_numpy(), pairs["target"].to_numpy()
    for items in places:
        if len(items) and not 0 < items.min() <= items.max() < size:
            raise InvalidDataset(f"pairs have items {items.min()} to {items.max()}, expected 1 to {size - 1}")
    return sp.csr_array((pairs["value"].to_numpy(), places), shape=(size, size))
