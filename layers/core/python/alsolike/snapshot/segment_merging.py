"""Rule for merging segments of the catalogue snapshot by size."""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.snapshot.manifest import SegmentEntry

YOUNG_ROWS = 256
"""Minimum row count in comparisons of sizes. Smaller segments count as this size, because requests dominate their
cost.
"""
GROWTH = 3
"""Minimum ratio of a segment's row count to the total row count of all smaller segments."""


def to_merge(segments: Sequence[SegmentEntry], *, young_rows: int = YOUNG_ROWS) -> list[SegmentEntry]:
    """Return the smallest segments, which must be merged into one segment. Empty if the sizes grow fast enough.

    The sizes of the remaining segments grow by a factor of about `GROWTH` + 1, so a million rows have at most eight
    segments. A row is rewritten about `GROWTH` + 1 times at each size, or about 30 times in total.
    """
    ascending = sorted(segments, key=lambda entry: entry.rows)
    count = smaller = 0
    for place, entry in enumerate(ascending):
        rows = max(entry.rows, young_rows)
        if rows < GROWTH * smaller:
            count = place + 1
        smaller += rows
    return ascending[:count]
