"""Sizes and ages at which objects of the lake are merged."""

from __future__ import annotations

import dataclasses

from alsolike.lake.lake_objects import MERGE_GRACE_MS

MEBIBYTE = 2**20


@dataclasses.dataclass(frozen=True, slots=True)
class MergeRules:
    """Conditions for a merge, and limits of its size.

    Attributes
    ----------
    small_bytes
        Size in bytes below which an object is merged.
    merge_bytes, merge_objects, merge_memory_bytes
        Maximum input of one merge: bytes in S3, number of objects, and bytes in memory. The last objects that are read
        may exceed the memory limit.
    quiet_ms
        Minimum age of an object before it is merged. It is longer than a call of this function.
    grace_ms
        Minimum time for which the inputs of a merge are kept. It is longer than a call of this function, and longer
        than any reader needs between listing and reading objects.
    """

    min_objects: int = 8
    small_bytes: int = 64 * MEBIBYTE
    merge_bytes: int = 128 * MEBIBYTE
    merge_objects: int = 2_000
    merge_memory_bytes: int = 768 * MEBIBYTE
    quiet_ms: int = 3_600_000
    grace_ms: int = MERGE_GRACE_MS
