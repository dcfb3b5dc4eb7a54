"""Memory-mapped arrays and byte strings."""

from __future__ import annotations

import io
import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

UNREADABLE = (ArithmeticError, EOFError, MemoryError, OSError, RecursionError, TypeError, ValueError)
"""Exceptions of numpy and the standard library when they read a file with arbitrary content."""


def map_array(path: Path, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Map an array `(n,)` as a plain `ndarray`, because indexing a `memmap` takes three times as long.

    An unreadable file, or another type or shape, raises one of `UNREADABLE`.
    """
    return _checked(np.asarray(np.lib.format.open_memmap(path, mode="r")), dtype, name=path.name)


def parse_array(data: bytes, dtype: npt.DTypeLike, *, name: str) -> npt.NDArray[Any]:
    return _checked(np.lib.format.read_array(io.BytesIO(data)), dtype, name=name)


def _checked(array: npt.NDArray[Any], dtype: npt.DTypeLike, *, name: str) -> npt.NDArray[Any]:
    if array.ndim != 1 or array.dtype != np.dtype(dtype):
        raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, expected {np.dtype(dtype)} (n,)")
    return array


class MappedStrings:
    """Byte strings by index, from the files of `write_strings`.

    Unreadable files, and offsets that do not fit the strings, raise one of `UNREADABLE`.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._offsets = map_array(directory / f"{name}.off.npy", np.int64)
        with (directory / f"{name}.blob").open("rb") as file:
            self._blob = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if not len(self._offsets):
            raise ValueError(f"{name}.off.npy is empty, expected at least one offset")
        ends = self._offsets[[0, -1]].tolist()
        if ends != [0, len(self._blob)] or (self._offsets[1:] < self._offsets[:-1]).any():
            raise ValueError(
                f"{name}.off.npy has offsets from {ends[0]} to {ends[1]}, expected ascending ones from 0 to "
                f"{len(self._blob)}, the size of {name}.blob"
            )

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> bytes:
        return self._blob[int(self._offsets[index]) : int(self._offsets[index + 1])]

    def many(self, indices: npt.NDArray[np.int64]) -> list[bytes]:
        """Return the strings, faster than single reads, which convert each offset separately."""
        begins, ends = self._offsets[indices].tolist(), self._offsets[indices + 1].tolist()
        return [self._blob[begin:end] for begin, end in zip(begins, ends, strict=True)]


def write_strings(directory: Path, name: str, strings: Sequence[bytes]) -> None:
    """Write byte strings. At least one must not be empty, because an empty file cannot be mapped."""
    offsets = np.zeros(len(strings) + 1, np.int64)
    np.cumsum([len(string) for string in strings], out=offsets[1:])
    np.save(directory / f"{name}.off.npy", offsets)
    (directory / f"{name}.blob").write_bytes(b"".join(strings))
