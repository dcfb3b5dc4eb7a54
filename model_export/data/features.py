"""Categorical columns of interactions as integer codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MAX_VALUES = 1_000
"""Maximum number of values of a column that have a code. Rarer values have code 0, like unknown values."""


@dataclasses.dataclass(frozen=True, slots=True)
class Feature:
    """Categorical column of interactions, such as the event type.

    Attributes
    ----------
    values
        Known values, sorted.
    codes
        1 + index of each row's value in `values`, uint8 or uint16 `(n,)`. Unknown and missing values have 0.
    """

    values: tuple[str, ...]
    codes: npt.NDArray[np.unsignedinteger[Any]]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Feature:
        """Encode a column of strings. The `MAX_VALUES` most frequent values get codes; among ties, lower strings."""
        encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
        names = encoded.dictionary.to_pylist()
        indices = pc.fill_null(encoded.indices, len(names)).to_numpy()
        counts = np.bincount(indices, minlength=len(names) + 1)
        ranked = sorted(zip((-counts[:-1]).tolist(), names, strict=True))
        values = tuple(sorted(name for _, name in ranked[:MAX_VALUES]))
        return cls(values, _table(names, values)[indices])

    def code(self, value: str) -> int:
        """Return the code of a value, or 0 if it is unknown."""
        return int(_table([value], self.values)[0])

    def take(self, rows: npt.NDArray[Any] | slice) -> Feature:
        return Feature(self.values, self.codes[rows])

    def recoded(self, values: tuple[str, ...]) -> Feature:
        """Return the feature with codes that refer to the list `values`."""
        return Feature(values, _table(["", *self.values], values)[self.codes])


def _table(names: Sequence[str], values: Sequence[str]) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Return the codes of the names, and 0 as the last element for a missing value."""
    codes = {value: code for code, value in enumerate(values, start=1)}
    return np.array([*(codes.get(name, 0) for name in names), 0], np.min_scalar_type(len(values)))
