"""The week after a real shop's training, compared with the reference: no drift, and the PSI of SciPy."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.times import DAY_MS
from alsolike.training.drift_reference import ItemCount, ranked
from alsolike.training.stability_index import SMOOTHING, Histogram, psi
from functions.build_dataset.cleaning import clean
from functions.build_dataset.drift_reference import reference
from functions.monitor_models.drift_metrics import MIN_COUNT, active_users
from tests.unit.functions.monitor_models.shop import catalogue

PURCHASES = Path(os.environ.get("ALSOLIKE_ONLINE_RETAIL", "online-retail.parquet"))
"""Interactions of Online Retail with Personalize's columns. The repository does not contain them."""
WEEKS = 24

pytestmark = pytest.mark.skipif(not PURCHASES.is_file(), reason="ALSOLIKE_ONLINE_RETAIL names no file")


@pytest.fixture(scope="module")
def purchases():
    read = pd.read_parquet(PURCHASES, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
    time_ms = read["TIMESTAMP"].astype("int64") * 1_000
    rows = pd.DataFrame(
        {
            "event_id": [str(row) for row in range(len(read))],
            "user_id": read["USER_ID"],
            "session_id": None,
            "item_id": read["ITEM_ID"],
            "event_type": "purchase",
            "event_time_ms": time_ms,
            "received_time_ms": time_ms,
        }
    )
    return rows[time_ms <= time_ms.min() + (WEEKS + 1) * 7 * DAY_MS]


@pytest.fixture(scope="module")
def learned(purchases):
    times = purchases["event_time_ms"]
    return clean(purchases[times <= times.min() + WEEKS * 7 * DAY_MS], DEFAULT).frame


@pytest.fixture(scope="module")
def described(learned):
    return reference(learned, catalogue({}), minimum_user_interactions=2, history_length=100)


def test_next_week_has_no_drift_and_psi_equals_scipy(purchases, learned, described):
    counts = learned["item_id"].value_counts()
    by_rank = ranked(ItemCount(str(item), int(often), 0) for item, often in counts.items())
    rank = {item.item_id: place for place, item in enumerate(by_rank, start=1)}
    week = purchases[purchases["event_time_ms"] > purchases["event_time_ms"].max() - 7 * DAY_MS]
    known = week.assign(profile_id="u#" + week["user_id"], rank=week["item_id"].map(rank)).dropna(subset="rank")
    active, activity = active_users(known, minimum_user_interactions=2)

    for histogram, numbers in ((described.item_popularity, active["rank"]), (described.user_activity, activity)):
        found = Histogram.of(dict(zip(*np.unique(numbers, return_counts=True), strict=True)), edges=histogram.edges)
        then, now = (
            np.array(each) for each in zip(*filter(any, zip(histogram.counts, found.counts, strict=True)), strict=True)
        )
        p, q = then + SMOOTHING, now + SMOOTHING

        assert min(then.sum(), now.sum()) >= MIN_COUNT
        assert psi(histogram.counts, found.counts) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))
        assert psi(histogram.counts, found.counts) < 0.25


def test_popularity_deciles_each_contain_a_tenth(described):
    shares = np.array(described.item_popularity.counts) / sum(described.item_popularity.counts)

    assert len(shares) == 10
    assert shares == pytest.approx(0.1, abs=0.02)
