"""Pairs of a hash and a number in files on the local disk: each once, a part of them in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from functions.attribute_outcomes.spill import Hashes

_PARTS = 64
_PAIR = np.dtype([("key", "<u8"), ("number", "<i4")])


class Pairs:
    """Pairs as they come, repeated ones included.

    Parameters
    ----------
    directory, name
        Where the files are, and what they are called.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._paths = [directory / f"{name}-{part}.pairs" for part in range(_PARTS)]

    def add(self, keys: Hashes, numbers: npt.NDArray[np.int64] | int) -> None:
        """Take pairs in; one number is that of all keys."""
        pairs = np.empty(len(keys), _PAIR)
        pairs["key"], pairs["number"] = keys, numbers
        part = keys % np.uint64(_PARTS)
        order = np.argsort(part, kind="stable")
        pairs, bounds = pairs[order], np.searchsorted(part[order], np.arange(_PARTS + 1, dtype=np.uint64))
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            with self._paths[number].open("ab") as file:
                pairs[bounds[number] : bounds[number + 1]].tofile(file)

    def unique(self) -> Iterator[tuple[Hashes, npt.NDArray[np.int32]]]:
        """Yield keys and numbers in parts, each pair once; all pairs of a key are in one part, next to each other."""
        for path in self._paths:
            pairs = np.fromfile(path, _PAIR) if path.exists() else np.empty(0, _PAIR)
            pairs = pairs[np.lexsort((pairs["number"], pairs["key"]))]
            pairs = np.concatenate([pairs[:1], pairs[1:][pairs[1:] != pairs[:-1]]])
            yield pairs["key"], pairs["number"]
            path.unlink(missing_ok=True)
