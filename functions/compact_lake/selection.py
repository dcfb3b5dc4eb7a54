"""Sizes and ages at which objects of the lake are merged, and the selection of a day's objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator

from alsolike.lake import lake_objects
from alsolike.lake.lake_objects import MERGE_GRACE_MS, LakeObject

MEBIBYTE = 2**20
FULL_SUFFIX = "-full.parquet"


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


def output_key(day: str, merge_id: str, *, full: bool) -> str:
    """Return the key of a merged object.

    A suffix marks an object that reached the memory limit, because its size in S3 may be small enough for another
    merge.
    """
    return f"{day}compacted-{merge_id}{FULL_SUFFIX if full else '.parquet'}"


def candidates(
    objects: Iterable[LakeObject], *, rules: MergeRules, pending_keys: Collection[str], now_ms: int
) -> list[LakeObject]:
    """Return the objects of a day that may be merged, smallest first."""
    return sorted(
        (
            stored
            for stored in objects
            if stored.size_bytes < rules.small_bytes
            and not stored.key.endswith(FULL_SUFFIX)
            and stored.key not in pending_keys
            and stored.modified_ms <= now_ms - rules.quiet_ms
        ),
        key=lambda stored: (stored.size_bytes, stored.key),
    )


def batches(objects: Iterable[LakeObject], *, rules: MergeRules) -> Iterator[list[LakeObject]]:
    """Yield batches of candidates to merge. Batches with too few objects are skipped."""
    for batch in lake_objects.batches(objects, max_bytes=rules.merge_bytes, max_objects=rules.merge_objects):
        if len(batch) >= rules.min_objects:
            yield batch
