"""Similar items and items bought together, computed by hand."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.arrays.tensors import map_tensors
from alsolike.bundle.related import KINDS, SIMILAR, TOGETHER
from alsolike.declarations.times import DAY_MS
from model_export.data import baskets
from model_export.data.baskets import purchases
from model_export.data.item_content import item_content
from model_export.export import related
from model_export.export.related import Similar, Together, max_bytes, related_items, related_tables
from tests.unit.model_export.shops import interactions, random_sequences

BASKETS = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=5), min_size=1, max_size=8)
PLENTY = 1_000_000


def made(data, *, columns=None, seed=0, max_bytes=PLENTY):
    if columns is not None:
        data = dataclasses.replace(data, content=item_content(columns).vectors)
    tables = related_tables(data, event_weights={"purchase": 1.0}, seed=seed)
    return related_items(tables, max_bytes=max_bytes)


def row(tables, kind, position):
    items, scores = tables.row(kind, position)
    return dict(zip(items.tolist(), scores.tolist(), strict=True))


def shop():
    """Return interactions of users who buy three items at once."""
    data = interactions(random_sequences(users=40, items=12, length=9))
    return dataclasses.replace(data, time_ms=data.time_ms // 3000 * DAY_MS)


def test_similarity_is_the_shrunk_cosine_of_users():
    tables = made(interactions([[1, 2], [1, 2], [1, 3], [4]], step_ms=DAY_MS))

    assert row(tables, SIMILAR, 1) == pytest.approx(
        {2: 2 / (math.sqrt(3 * 2) + 30), 3: 1 / (math.sqrt(3 * 1) + 30)}, rel=1e-3
    )
    assert row(tables, SIMILAR, 2) == pytest.approx({1: 2 / (math.sqrt(2 * 3) + 30)}, rel=1e-3)
    assert row(tables, SIMILAR, 4) == {}


def test_item_without_shared_users_is_similar_by_its_columns():
    red, blue = {"colour": "red"}, {"colour": "blue"}
    tables = made(interactions([[1, 2], [1, 2], [3], [4]]), columns=[red, blue, red, blue])

    doubt = 30 * 0.03  # `SHRINK` times `CONTENT_SHARE`, for equal properties.
    assert row(tables, SIMILAR, 3) == pytest.approx({1: doubt / (math.sqrt(1 * 2) + 30)}, rel=1e-3)
    assert row(tables, SIMILAR, 1) == pytest.approx(
        {2: 2 / (math.sqrt(2 * 2) + 30), 3: doubt / (math.sqrt(2 * 1) + 30)}, rel=1e-3
    )


def test_bought_together_counts_baskets_and_not_other_days():
    data = interactions([[1, 2, 3], [1, 2, 3]], step_ms=0)
    data = dataclasses.replace(data, time_ms=np.array([0, 0, 9, 0, 0, 9]) * DAY_MS)

    tables = made(data)

    assert row(tables, TOGETHER, 1) == pytest.approx({2: 2 / (2**0.75 * 2**0.25 + 30)}, rel=1e-3)
    assert row(tables, TOGETHER, 3) == {}
    assert set(row(tables, SIMILAR, 3)) == {1, 2}


def test_item_pair_bought_once_ranks_below_repeated_pairs():
    # Item 1 is in 300 baskets, twice with the frequent item 2 and once with item 3, which is in no other basket.
    tables = made(interactions([[1, 2], [1, 2], [1, 3], *[[1]] * 297, *[[2]] * 9_998], step_ms=0))

    again = 2 / (300**0.75 * 10_000**0.25 + 30)
    once = 1 / (300**0.75 * 1 + 30)
    assert once > again / 2
    assert list(row(tables, TOGETHER, 1)) == [2, 3]
    assert row(tables, TOGETHER, 1) == pytest.approx({2: again, 3: again / 2}, rel=1e-2)
    # No other item is a better match.
    assert row(tables, TOGETHER, 3) == pytest.approx({1: 1 / (1 * 300**0.25 + 30)}, rel=1e-3)


def test_views_are_not_in_a_basket():
    data = dataclasses.replace(
        interactions([[1, 2, 3]] * 2, step_ms=0), weight=np.array([1.0, 1.0, 0.25] * 2, np.float32)
    )

    assert [list(row(made(data), TOGETHER, item)) for item in (1, 2, 3)] == [[2], [1], []]
    assert [sorted(row(made(data), SIMILAR, item)) for item in (1, 2, 3)] == [[2, 3], [1, 3], [1, 2]]


@pytest.mark.parametrize(
    "sequences",
    [[[1], [2], [3]], [[1, 1, 1]], [[2]]],
    ids=["baskets of one item", "one item again and again", "one interaction"],
)
def test_data_without_pairs_have_empty_rows(sequences):
    tables = made(interactions(sequences, items=3, step_ms=0))

    assert [row(tables, kind, item) for kind in KINDS for item in range(4)] == [{}] * 8


def test_data_without_purchases_have_no_items_bought_together():
    data = interactions([[1, 2]] * 3, weight=0.5, step_ms=0)

    assert [row(made(data), TOGETHER, item) for item in (1, 2)] == [{}, {}]
    assert list(row(made(data), SIMILAR, 1)) == [2]


def test_equal_items_are_sorted_by_position():
    tables = made(interactions([list(range(1, 61))] * 2, items=61, step_ms=0), columns=[{"colour": "red"}] * 60 + [{}])

    # The list has fifty items, without item 30.
    assert list(row(tables, TOGETHER, 30)) == [*range(1, 30), *range(31, 52)]
    assert list(row(tables, SIMILAR, 30)) == [*range(1, 30), *range(31, 52)]  # Item 51 is similar only by its columns.


@settings(max_examples=40, deadline=None)
@given(BASKETS, st.lists(st.sampled_from(["red", "blue", ""]), min_size=6, max_size=6))
def test_related_tables_equal_a_naive_count_of_pairs(sequences, colours):
    data = interactions(sequences, items=6, step_ms=0)
    columns = [{"colour": colour} if colour else {} for colour in colours]
    sets = [set(sequence) for sequence in sequences]
    count = {item: sum(item in each for each in sets) for item in range(1, 7)}
    alike = {name for name in ("red", "blue") if 1 < colours.count(name) < 6}

    tables = made(data, columns=columns)

    for item in range(1, 7):
        met = {other: sum({item, other} <= each for each in sets) for other in range(1, 7) if other != item}
        similar = {
            other: (times + 0.9 * (colours[item - 1] in alike and colours[item - 1] == colours[other - 1]))
            / (math.sqrt(count[item] * count[other]) + 30)
            for other, times in met.items()
        }
        together = {
            other: times / (count[item] ** 0.75 * count[other] ** 0.25 + 30) for other, times in met.items() if times
        }
        minimum = min((score for other, score in together.items() if met[other] > 1), default=math.inf)
        together = {o: min(score, minimum / 2) if met[o] == 1 else score for o, score in together.items()}
        assert row(tables, SIMILAR, item) == pytest.approx(
            {o: score for o, score in similar.items() if score}, rel=2e-3
        )
        assert row(tables, TOGETHER, item) == pytest.approx(together, rel=2e-3)


def test_rows_are_sorted_by_score_without_the_item_itself():
    tables = made(shop(), columns=[{"kind": f"k{item % 3}"} for item in range(12)])

    for kind, item in itertools.product(KINDS, range(1, 13)):
        items, scores = tables.row(kind, item)
        assert len(items)
        assert item not in items
        assert (np.diff(scores) <= 0).all()
        assert (scores > 0).all()


def test_bought_together_counts_are_symmetric_with_any_norm():
    bought = purchases(shop(), {"purchase": 1.0})

    table = Together(bought, seed=0, target_power=0.5).rows(np.arange(13)).toarray()

    assert ((table > 0) == (table > 0).T).all()


@pytest.mark.parametrize("pairs_at_once", [1, 40])
def test_block_size_does_not_change_the_tables(pairs_at_once, monkeypatch):
    columns = [{"kind": f"k{item % 3}"} for item in range(12)]
    whole = made(shop(), columns=columns)

    monkeypatch.setattr(related, "BATCH_PAIRS", pairs_at_once)

    parts = made(shop(), columns=columns)
    assert [row(parts, kind, item) for kind in KINDS for item in range(13)] == [
        row(whole, kind, item) for kind in KINDS for item in range(13)
    ]


def test_pairs_per_row_equal_the_reported_number():
    # Item 1 is in sessions of three and two items, and two items have its colour. Item 3 is in one session of three
    # items, and its colour does not count, because only one item has it.
    data = interactions([[1, 2, 3], [1, 2]], step_ms=0, items=4)
    columns = [{"colour": "red"}, {"colour": "red"}, {"colour": "blue"}, {"colour": "green"}]
    data = dataclasses.replace(data, content=item_content(columns).vectors)

    assert Similar(data).pairs.tolist() == [0, 3 + 2 + 2, 3 + 2 + 2, 3, 0]
    assert Together(data, seed=0).pairs.tolist() == [0, 5, 5, 3, 0]


def test_split_of_large_baskets_depends_only_on_the_seed(monkeypatch):
    monkeypatch.setattr(baskets, "MAX_ITEMS", 4)
    data = interactions([list(range(1, 13))] * 3, step_ms=0)

    def found(seed):
        return [row(made(data, seed=seed), TOGETHER, item) for item in range(1, 13)]

    assert found(1) == found(1)
    assert found(1) != found(2)
    assert max(map(len, found(1))) <= 3 * 3  # Each of three baskets contains three other items.


@pytest.mark.parametrize(
    ("room", "similar", "together"),
    [(18, 3, 2), (17.9, 2, 2), (14, 2, 2), (13.9, 1, 1), (7, 1, 1), (6.9, 0, 0), (-8, 0, 0)],
)
def test_rows_are_truncated_if_the_file_would_be_too_large(tmp_path, room, similar, together):
    # The user has four items, three of them in one basket: 4 * 3 entries and 3 * 2. Two tables of 4 + 1 rows end at 2 *
    # (4 + 1 + 1) offsets of 4 bytes.
    data = interactions([[1, 2, 3, 4]], step_ms=0)
    data = dataclasses.replace(data, time_ms=np.array([0, 0, 0, DAY_MS]))
    allowed = int(2 * (4 + 1 + 1) * 4 + 6 * room)
    whole = made(data)

    cut = made(data, max_bytes=allowed)

    assert [len(row(cut, SIMILAR, item)) for item in (1, 2, 3, 4)] == [similar] * 4
    assert [len(row(cut, TOGETHER, item)) for item in (1, 2, 3, 4)] == [together] * 3 + [0]
    for kind, item in itertools.product(KINDS, range(1, 5)):
        assert list(row(whole, kind, item))[: len(row(cut, kind, item))] == list(row(cut, kind, item))
    cut.write(tmp_path / "related.tensors")
    arrays, _ = map_tensors(tmp_path / "related.tensors")
    assert sum(array.nbytes for array in arrays.values()) <= max(allowed, 2 * (4 + 1 + 1) * 4)


def test_tables_may_use_a_quarter_of_the_bundle_and_at_least_24_mb():
    assert max_bytes(0) == 24_000_000
    assert max_bytes(96_000_000) == 24_000_000
    assert max_bytes(400_000_000) == 100_000_000
