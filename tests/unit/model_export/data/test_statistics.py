"""Models fitted from statistics, which equal models fitted from the interactions."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidDataset, InvalidInput
from alsolike.training.statistics import GRAM, STATISTICS, StatisticsManifest
from model_export.algorithms.blend import Blend
from model_export.algorithms.building_blocks.item_to_item import ItemRowsModel
from model_export.algorithms.buy_again import BuyAgain
from model_export.algorithms.ease import Ease
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.transitions import Transitions
from model_export.data.statistics import Counts, load
from model_export.evaluation import splits
from model_export.evaluation.fit_cache import fitted
from model_export.evaluation.ranking import history_parameters
from tests.unit.model_export.counting import COUNTING, count, counts_of
from tests.unit.model_export.shops import interactions, random_sequences

SEQUENCES = random_sequences(users=40, items=15, length=12)


def by_frequency(sequences):
    data = interactions(sequences)
    return data.renumber(data.frequency_order())


@pytest.fixture
def counted(tmp_path):
    count(tmp_path, interactions(SEQUENCES))
    return load(tmp_path, COUNTING)


@pytest.mark.parametrize(
    "algorithm",
    [
        Transitions(), Transitions(repeats=True, targets=5, source_power=1.0), ItemKnn(session=8),
        ItemKnn(session=8, targets=3),
    ],
)  # fmt: skip
def test_model_from_statistics_equals_the_model_from_interactions(counted, algorithm):
    found, expected = algorithm.fit_from_statistics(counted), algorithm.fit(by_frequency(SEQUENCES))

    assert isinstance(found, ItemRowsModel)
    assert isinstance(expected, ItemRowsModel)
    np.testing.assert_array_equal(found.rows.target, expected.rows.target)
    np.testing.assert_allclose(found.rows.value, expected.rows.value, rtol=1e-6)


def test_ease_treats_sessions_as_users(counted):
    pieces = [sequence[start : start + 8] for sequence in SEQUENCES for start in (0, 8)]

    by_session = interactions(pieces).renumber(interactions(SEQUENCES).frequency_order())

    found, expected = Ease().fit_from_statistics(counted), Ease().fit(by_session)

    assert isinstance(expected, ItemRowsModel)
    np.testing.assert_array_equal(found.rows.target, expected.rows.target)
    np.testing.assert_allclose(found.rows.value, expected.rows.value, rtol=1e-5)


def test_blend_needs_statistics_for_all_parts(counted):
    parts = (ItemKnn(session=8), 1.0), (Transitions(), 0.5)
    possible = Blend(parts=parts).fit_from_statistics(counted)

    assert possible.items == 15
    assert BuyAgain().fit_from_statistics(counted) is None
    assert Blend(parts=((BuyAgain(), 0.1), *parts)).fit_from_statistics(counted) is None


@pytest.mark.parametrize(
    ("algorithm", "message"),
    [
        (Transitions(gap_decay=0.5), "transitions has gap_decay 0.5, the statistics were counted with 0.8"),
        (Transitions(targets=300), "transitions keeps 300 targets, the statistics have 200 at most"),
        (ItemKnn(), "item_knn has session 50, the statistics were counted with 8"),
        (Popularity(trend_half_life_days=5.0), "trend_half_life_days 5, the statistics have inf, 7, 30, 90"),
    ],
)
def test_settings_without_their_statistics_are_refused(counted, algorithm, message):
    with pytest.raises(InvalidInput, match=message):
        algorithm.fit_from_statistics(counted)


@pytest.fixture
def shop(tmp_path):
    counts_of(tmp_path, SHOP, IDS)
    return tmp_path


SHOP = interactions(random_sequences(users=12, items=9, length=100), step_ms=DAY_MS)
IDS = [f"item-{9 - item}" for item in range(9)]  # IDs and positions have different orders.


def test_statistics_exist_only_with_their_manifest(shop):
    (shop / STATISTICS / "manifest.json").unlink()

    assert Counts.open(shop) is None


@pytest.mark.parametrize(
    ("manifest", "message"),
    [(b"[", "is not JSON"), (b"[]", "lacks some of the fields"), (b'{"counting": 1}', "fields counting, half_ms")],
)
def test_invalid_manifest_is_refused(shop, manifest, message):
    (shop / STATISTICS / "manifest.json").write_bytes(manifest)

    with pytest.raises(InvalidDataset, match=message):
        Counts.open(shop)


@pytest.mark.parametrize(
    ("champion", "last", "moments", "since"),
    [
        (None, 100, (80, 100), None),
        (100, 100, (80, 100), None),
        (97, 100, (80, 97, 100), 97),
        (3, 100, (80, 90, 100), 90),
        (3, 900, (80, 90, 900), 90),
    ],
    ids=["no champion", "nothing new", "champion", "old champion", "later events"],
)
def test_cutoffs_are_those_of_the_training(champion, last, moments, since):
    found = StatisticsManifest.of(
        COUNTING, start_ms=5 * DAY_MS, tested_ms=100 * DAY_MS, last_ms=last * DAY_MS,
        champion_ms=None if champion is None else champion * DAY_MS,
    )  # fmt: skip

    assert found.moments == tuple(day * DAY_MS for day in moments)
    # Settings are selected on data up to this time.
    assert found.since_ms == (None if since is None else since * DAY_MS)


def test_windows_end_before_later_events(tmp_path):
    last_ms = int(SHOP.time_ms.max())
    manifest = counts_of(tmp_path, SHOP, IDS, tested_ms=last_ms - 3 * DAY_MS)
    counts = Counts.open(tmp_path)
    assert counts is not None

    split = splits.counted(dataclasses.replace(SHOP, counts=counts), counts)

    ends = split.learned_until_ms, split.selected_until_ms, split.tested_until_ms
    assert ends == tuple(last_ms - 3 * DAY_MS - windows * manifest.holdout_ms for windows in (2, 1, 0))
    assert manifest.moments == (ends[0], last_ms)


def test_statistics_at_a_cutoff_equal_the_interactions_before_it(shop):
    counts = Counts.open(shop)
    moment_ms = counts.manifest.moments[0]
    by_id = SHOP.renumber(np.arange(9, 0, -1))
    until = by_id.select(by_id.time_ms <= moment_ms)
    order = until.frequency_order()

    at_moment = dataclasses.replace(by_id, counts=counts).renumber(order).until(moment_ms)

    assert at_moment.counts is not None
    np.testing.assert_array_equal(at_moment.frequencies(), until.renumber(order).frequencies())
    for algorithm in (Transitions(), ItemKnn(), Popularity(trend_half_life_days=7.0)):
        found, expected = fitted(algorithm, at_moment), algorithm.fit(until.renumber(order))
        histories = until.renumber(order).histories(
            starts=until.offsets[:-1],
            ends=until.offsets[1:],
            now_ms=np.full(12, moment_ms),
            parameters=history_parameters(until, algorithm.half_life_days),
        )
        np.testing.assert_allclose(found.score(histories), expected.score(histories), rtol=1e-5)


def test_unknown_cutoff_is_refused(shop):
    counts = Counts.open(shop)
    assert counts is not None

    with pytest.raises(InvalidDataset, match="has no counts up to 5, expected one of"):
        counts.until(5)


def test_pairs_of_unknown_items_are_refused(tmp_path):
    count(tmp_path, interactions(SEQUENCES))
    stray = pa.table({"source": [16], "target": [1], "value": [1.0]})
    pq.write_table(stray, tmp_path / GRAM / "part-1.parquet")

    with pytest.raises(InvalidDataset, match="pairs have items 1 to 16, expected 1 to 15"):
        load(tmp_path, COUNTING)


def test_pair_has_the_weight_of_its_later_event(tmp_path):
    data = interactions([[1, 2]])
    heavy = dataclasses.replace(data, weight=np.array([1.0, 4.0], np.float32))

    rows = Transitions(source_power=0.0).fit(heavy).rows

    assert rows.value[rows.row_of[1], 0] == pytest.approx(4.0)
    assert rows.value[rows.row_of[2], 0] == pytest.approx(0.4)
