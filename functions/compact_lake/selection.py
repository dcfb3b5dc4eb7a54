"""Selection of a day's objects to merge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from alsolike.lake.lake_objects import LakeObject
from functions.compact_lake.merge_thresholds import MergeRules

FULL_SUFFIX = "-full.parquet"


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
    batch: list[LakeObject] = []
    size = 0
    for stored in objects:
        if batch and (size + stored.size_bytes > rules.merge_bytes or len(batch) == rules.merge_objects):
            if len(batch) >= rules.min_objects:
                yield batch
            batch, size = [], 0
        batch.append(stored)
        size += stored.size_bytes
    if len(batch) >= rules.min_objects:
        yield batch
