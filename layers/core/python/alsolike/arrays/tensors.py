"""Memory-mapped files of named arrays in the safetensors format.

A file contains 8 bytes with the size of the header, a JSON header, and the arrays. The safetensors library is not used,
because it copies every array.

References
----------
https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.runtime.errors import InvalidSnapshot

Array = npt.NDArray[Any]

_METADATA = "__metadata__"
_SIZE_BYTES = 8
_MAX_HEADER_BYTES = 16_000_000
_TYPES = {
    name: np.dtype(code)
    for name, code in (
        ("U64", "<u8"), ("I64", "<i8"), ("F64", "<f8"), ("U32", "<u4"), ("I32", "<i4"), ("F32", "<f4"), ("F16", "<f2"),
        ("U8", "u1"), ("I8", "i1"),
    )
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _TYPES.items()}


def write_tensors(file: BinaryIO, tensors: Mapping[str, Array], *, metadata: Mapping[str, str]) -> None:
    """Write one-dimensional arrays. Arrays with the largest elements come first, so that all arrays are aligned."""
    ordered = sorted(tensors.items(), key=lambda tensor: -tensor[1].dtype.itemsize)
    header: dict[str, Any] = {_METADATA: dict(metadata)}
    end = 0
    for name, array in ordered:
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": _NAMES[array.dtype], "shape": [len(array)], "data_offsets": [begin, end]}
    text = orjson.dumps(header)
    text += b" " * (-len(text) % _SIZE_BYTES)
    file.write(len(text).to_bytes(_SIZE_BYTES, "little") + text)
    for _, array in ordered:
        file.write(np.ascontiguousarray(array).data)


def map_tensors(path: Path, *formats: str) -> tuple[dict[str, Array], dict[str, str]]:
    """Map a file into memory, and return its arrays and metadata.

    Raise `InvalidSnapshot` if the file is unreadable, or if `formats` are given and do not contain the file's format.
    The elements of the arrays are not checked.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise InvalidSnapshot(f"{path.name} is unreadable: {error}") from error
    return parse_tensors(mapped, *formats, name=path.name)


def parse_tensors(data: bytes | mmap.mmap, *formats: str, name: str) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays in `data`, without copies, and the metadata."""
    try:
        header_bytes = int.from_bytes(data[:_SIZE_BYTES], "little")
        if header_bytes > min(_MAX_HEADER_BYTES, len(data) - _SIZE_BYTES):
            raise ValueError(f"a header of {header_bytes} bytes in a file of {len(data)}")
        start = _SIZE_BYTES + header_bytes
        header = orjson.loads(data[_SIZE_BYTES:start])
        metadata = header.pop(_METADATA)
        if formats and metadata.get("format") not in formats:
            expected = " or ".join(map(repr, formats))
            raise InvalidSnapshot(f"{name} has format {metadata.get('format')!r}, expected {expected}")
        return dict(_arrays(data, header, start=start)), metadata
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidSnapshot(f"{name} is unreadable: {error}") from error


def _arrays(data: bytes | mmap.mmap, header: Mapping[str, Any], *, start: int) -> Iterator[tuple[str, Array]]:
    for name, entry in header.items():
        dtype, (length,), (begin, end) = _TYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
        if not 0 <= begin <= end <= len(data) - start or end - begin != length * dtype.itemsize:
            raise ValueError(f"array {name} lies at {begin} to {end} of {len(data) - start} bytes")
        yield name, np.frombuffer(data, dtype, length, start + begin)
