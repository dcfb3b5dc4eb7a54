import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import InvalidSnapshot
from alsolike.snapshot.manifest import Manifest, Retired, SegmentEntry
from alsolike.snapshot.segment_merging import GROWTH, to_merge

NAMES = itertools.count()


def entry(rows):
    return SegmentEntry(f"catalog/segments/{next(NAMES)}", rows, rows * 100, f"{rows:064x}")


def test_manifest_is_unchanged_after_write_and_read():
    manifest = Manifest((entry(3), entry(5)), {"price": ColumnType.NUMBER}, (Retired("catalog/segments/x", 7),), 9)

    assert Manifest.from_json(manifest.to_json()) == manifest


def test_version_depends_only_on_the_segments():
    first, second = entry(3), entry(5)

    assert Manifest((first, second)).version == Manifest((second, first), published_ms=5).version
    assert Manifest((first,)).version != Manifest((first, second)).version
    assert Manifest().version == ""


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"format_version": 2}', b'{"format_version": 1, "segments": [1]}']
)
def test_invalid_manifest_is_refused(data):
    with pytest.raises(InvalidSnapshot, match=r"catalog/current\.json is unreadable"):
        Manifest.from_json(data)


@pytest.mark.parametrize(
    ("rows", "merged"),
    [
        ([], []),
        ([100], []),
        ([1_000_000, 300_000], []),
        ([1_000_000, 400_000], [400_000, 1_000_000]),  # 1,000,000 < 3 * 400,000
        # 10,000 < 3 * 3,900, so this segment is merged too.
        ([1_000_000, 10_000, 2_000, 1_900], [1_900, 2_000, 10_000]),
        ([100, 1], [1, 100]),  # Segments with fewer than 256 rows count as 256 rows.
        ([768, 1], []),
    ],
)
def test_segments_are_merged_unless_the_next_is_three_times_as_large(rows, merged):
    assert [each.rows for each in to_merge([entry(count) for count in rows])] == merged


@given(st.lists(st.integers(1, 10_000_000), max_size=30))
def test_remaining_segments_grow_by_the_factor(rows):
    segments = [entry(count) for count in rows]
    merged = to_merge(segments)

    kept = sorted(each.rows for each in segments if each not in merged)
    if merged:
        kept = sorted([*kept, sum(each.rows for each in merged)])
    for place, count in enumerate(kept[1:], start=1):
        assert max(count, 256) >= GROWTH * sum(max(each, 256) for each in kept[:place])
