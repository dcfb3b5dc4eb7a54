"""What is fitted from statistics is what is fitted from the interactions that were counted."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.errors import InvalidDataset, InvalidInput
from alsolike.statistics import GRAM, ITEM_STATISTICS, ITEMS, PAIR_COLUMNS, STATISTICS, TRANSITIONS, Counting
from model_export.algorithm import Algorithm
from model_export.algorithms.blend import Blend
from model_export.algorithms.ease import Ease
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.transitions import Transitions
from model_export.item_rows import ItemRowsModel
from model_export.statistics import Statistics, load
from tests.unit.model_export.shops import interactions, random_sequences

COUNTING = Counting(session=8)
SEQUENCES = random_sequences(users=40, items=15, length=12)


def write(dataset: Path, sequences: Sequence[Sequence[int]], counting: Counting = COUNTING) -> Path:
    """Count pair by pair, dropping none; the lower item of a pair stands first in the Gram matrix."""
    follows: dict[tuple[int, int], float] = defaultdict(float)
    together: Counter[tuple[int, int]] = Counter()
    sessions: Counter[int] = Counter()
    for sequence in sequences:
        for (place, item), (later, other) in combinations(enumerate(sequence), 2):
            if later - place <= counting.max_gap:
                follows[item, other] += counting.gap_decay ** (later - place - 1)
                follows[other, item] += counting.backward * counting.gap_decay ** (later - place - 1)
        for start in range(0, len(sequence), counting.session):
            had = sorted(set(sequence[start : start + counting.session]))
            sessions.update(had)
            together.update(combinations(had, 2))
    items = range(1, max(map(max, sequences)) + 1)
    sums = [sum(value for (source, _), value in follows.items() if source == item) for item in items]
    often = [sum(sequence.count(item) for sequence in sequences) for item in items]
    columns = [list(items), [f"i{item:02}" for item in items], often, [sessions[item] for item in items], sums]
    directory = dataset / STATISTICS
    files: list[tuple[str, Sequence[str], list[Any]]] = [
        (ITEMS, ITEM_STATISTICS, columns),
        (TRANSITIONS, PAIR_COLUMNS, [*zip(*follows, strict=True), list(follows.values())]),
        (GRAM, PAIR_COLUMNS, [*zip(*together, strict=True), [float(count) for count in together.values()]]),
    ]
    for name, names, values in files:
        (directory / name).mkdir(parents=True)
        pq.write_table(
            pa.table([pa.array(column) for column in values], names=names), directory / name / "part-0.parquet"
        )
    (directory / "manifest.json").write_bytes(counting.to_json())
    return dataset


@pytest.fixture
def counted(tmp_path: Path) -> Statistics:
    found = load(write(tmp_path, SEQUENCES))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "algorithm",
    [
        Transitions(),
        Transitions(repeats=True, targets=5, source_power=1.0),
        ItemKnn(session=8),
        ItemKnn(session=8, targets=3),
    ],
)
def test_a_model_of_counts_is_the_model_of_the_interactions(counted: Statistics, algorithm: Algorithm) -> None:
    found, expected = algorithm.fit_from_statistics(counted), algorithm.fit(interactions(SEQUENCES))

    assert isinstance(found, ItemRowsModel)
    assert isinstance(expected, ItemRowsModel)
    np.testing.assert_array_equal(found.rows.target, expected.rows.target)
    np.testing.assert_allclose(found.rows.value, expected.rows.value, rtol=1e-6)


def test_ease_takes_a_session_for_a_user(counted: Statistics) -> None:
    pieces = [sequence[start : start + 8] for sequence in SEQUENCES for start in (0, 8)]

    found, expected = Ease().fit_from_statistics(counted), Ease().fit(interactions(pieces))

    assert isinstance(expected, ItemRowsModel)
    np.testing.assert_array_equal(found.rows.target, expected.rows.target)
    np.testing.assert_allclose(found.rows.value, expected.rows.value, rtol=1e-5)


def test_a_blend_needs_counts_for_all_that_it_is_made_of(counted: Statistics) -> None:
    parts = (ItemKnn(session=8), 1.0), (Transitions(), 0.5)
    possible = Blend(parts=parts).fit_from_statistics(counted)

    assert possible is not None
    assert possible.items == 15
    assert Popularity().fit_from_statistics(counted) is None
    assert Blend(parts=((Popularity(), 0.1), *parts)).fit_from_statistics(counted) is None


@pytest.mark.parametrize(
    ("algorithm", "message"),
    [
        (Transitions(gap_decay=0.5), "transitions has gap_decay 0.5, the statistics were counted with 0.8"),
        (Transitions(targets=300), "transitions keeps 300 targets, the statistics have 200 at most"),
        (ItemKnn(), "item_knn has session 50, the statistics were counted with 8"),
    ],
)
def test_settings_that_were_not_counted_with_are_refused(
    counted: Statistics, algorithm: Algorithm, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        algorithm.fit_from_statistics(counted)


def test_a_dataset_has_statistics_once_their_manifest_is_there(tmp_path: Path) -> None:
    write(tmp_path, SEQUENCES)
    (tmp_path / STATISTICS / "manifest.json").unlink()

    assert load(tmp_path) is None


@pytest.mark.parametrize(
    ("manifest", "message"), [(b"[", "is not JSON"), (b"[]", "has not the fields"), (b'{"most": 1}', "fields backward")]
)
def test_a_broken_manifest_is_named(tmp_path: Path, manifest: bytes, message: str) -> None:
    write(tmp_path, SEQUENCES)
    (tmp_path / STATISTICS / "manifest.json").write_bytes(manifest)

    with pytest.raises(InvalidDataset, match=message):
        load(tmp_path)


def test_pairs_of_unknown_items_are_named(tmp_path: Path) -> None:
    write(tmp_path, SEQUENCES)
    stray = pa.table({"source": [16], "target": [1], "value": [1.0]})
    pq.write_table(stray, tmp_path / STATISTICS / GRAM / "part-1.parquet")

    with pytest.raises(InvalidDataset, match="pairs have items 1 to 16, expected 1 to 15"):
        load(tmp_path)


def test_a_weight_counts_with_the_later_of_a_pair(tmp_path: Path) -> None:
    data = interactions([[1, 2]])
    heavy = dataclasses.replace(data, weight=np.array([1.0, 4.0], np.float32))

    rows = Transitions(source_power=0.0).fit(heavy).rows

    assert rows.value[rows.row_of[1], 0] == pytest.approx(4.0)
    assert rows.value[rows.row_of[2], 0] == pytest.approx(0.4)
