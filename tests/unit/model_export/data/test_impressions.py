import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.bundle.reranker import FEATURES, HOURS
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidInput
from alsolike.training.dataset import IMPRESSION_COLUMNS, IMPRESSIONS_FILE
from model_export.data.impressions import Objective, Response, impressions, item_columns, load_impressions
from model_export.data.interactions import Interactions
from model_export.data.training_data import TrainingData
from model_export.export.reranker import choose_reranker

COLUMNS = item_columns([{"price": 1, "category": "fruit"}, {"price": 2, "category": "fruit"}, {"price": 4}])


def interactions_of(items, times_ms, *, count=3):
    return Interactions.from_rows(
        user=np.zeros(len(items), np.int64), item=np.array(items), time_ms=np.array(times_ms),
        weight=np.ones(len(items)), users=1, items=count,
    )  # fmt: skip


DATA = TrainingData(
    dataset_id="d",
    interactions=interactions_of([1, 3, 2], [10, 20, 30]),
    item_ids=["fig", "pear", "plum"],
    properties=[{"margin": 3.0}, {"margin": "high"}, {}],
    event_weights={"view": 1.0},
    profile_ids=["u#anna"],
)
PEAR_CLICKED = ["pear"], ["click"], [0.0]


def write(directory, *rows):
    table = pa.Table.from_pylist([dict(zip(IMPRESSION_COLUMNS, row, strict=True)) for row in rows])
    pq.write_table(table, directory / IMPRESSIONS_FILE)


def test_history_ends_before_the_response(tmp_path):
    shown: tuple[object, ...] = "phone", ["pear", "kiwi"], [2.0, 1.0], [0, 2], [], *PEAR_CLICKED
    write(tmp_path, ("u#anna", 30, *shown), ("u#anna", 31, *shown), ("u#bert", 31, *shown))

    data = load_impressions(tmp_path, DATA, COLUMNS)

    assert len(data) == 2
    assert data.gains.tolist() == [1, 0, 1, 0]
    assert data.places.tolist() == [0, 2, 0, 2]
    assert data.context_names == [*HOURS, "device phone"]
    assert data.contexts.tolist() == [[True, False, False, False, True]] * 2
    # The share of fruit among earlier interactions with a category: first fig, then fig and pear. The kiwi has no
    # category.
    assert data.features[:, 5] == pytest.approx([1, np.nan, 1, np.nan], nan_ok=True)
    # The usual price is 2 in both responses: the geometric mean of 1 and 4, and of 1, 2 and 4.
    assert data.features[[0, 2], 4] == pytest.approx([0, 0])


def test_popularity_feature_counts_interactions_of_earlier_days(tmp_path):
    """Fig has two interactions on day 0, and plum has one. Pear has three, but on day 1."""
    interactions = interactions_of([2, 2, 3, 1, 1, 1], [0, 1, 2, *(DAY_MS + 1 + n for n in range(3))])
    data = dataclasses.replace(DATA, interactions=interactions, item_ids=["pear", "fig", "plum"])
    items = ["pear", "fig", "plum", "kiwi"]
    shown: tuple[object, ...] = "", items, [4.0, 3.0, 2.0, 1.0], [0, 1, 2, 3], [], *PEAR_CLICKED
    write(tmp_path, ("u#anna", DAY_MS + 10, *shown), ("u#anna", 2 * DAY_MS, *shown))

    logged = load_impressions(tmp_path, data, COLUMNS)

    ranks = np.exp(-logged.features[:, FEATURES.index("popularity")])
    assert ranks[:4] == pytest.approx([np.nan, 1, 2, np.nan], nan_ok=True)
    assert ranks[4:] == pytest.approx([1, 2, 3, np.nan], nan_ok=True)


def test_position_biased_clicks_give_no_reranker(tmp_path):
    """Clicks depend only on the place in the list.

    They also count as interactions, but popularity must not seem to predict them.
    """
    rng = np.random.default_rng(1)
    items, candidates, logged, others = 1_000, 10, 700, 1_300
    day_ms = np.sort(rng.integers(30 * DAY_MS, size=logged))
    shown = np.array([rng.choice(items, candidates, replace=False) for _ in range(logged)])
    examined = 1 / np.arange(1, candidates + 1)
    places = rng.choice(candidates, logged, p=examined / examined.sum())
    clicked = shown[np.arange(logged), places]
    interactions = interactions_of(
        1 + np.concatenate([clicked, rng.integers(items, size=others)]),
        np.concatenate([day_ms + 1_000, rng.integers(30 * DAY_MS, size=others)]),
        count=items,
    )
    item_ids = [f"i{item}" for item in range(items)]
    data = dataclasses.replace(
        DATA, interactions=interactions, item_ids=item_ids, properties=[{} for _ in item_ids]
    ).by_frequency()
    columns = item_columns(data.properties)
    scores = np.linspace(1, 2, candidates)[::-1].tolist()
    pairs = [list(range(first, candidates - 1, 2)) for first in range(2)]
    rows = zip(day_ms, shown, clicked, strict=True)
    write(
        tmp_path,
        *(
            ("u#anna", int(ms), "", [item_ids[item] for item in row], scores, list(range(candidates)), pairs[n % 2],
             [item_ids[item]], ["click"], [0.0])
            for n, (ms, row, item) in enumerate(rows)
        ),
    )  # fmt: skip

    choice = choose_reranker(load_impressions(tmp_path, data, columns), columns)

    assert choice.responses == logged
    assert choice.quality is not None
    assert choice.reranker is None


def test_randomised_pair_requires_both_items(tmp_path):
    write(tmp_path, ("u#anna", 30, "", ["fig", "pear", "plum"], [3.0, 2.0, 1.0], [0, 1, 3], [0, 1, 3], *PEAR_CLICKED))

    logged = load_impressions(tmp_path, DATA, COLUMNS)

    # The pairs start at the places 0, 1 and 3. No candidate has the second place of the last two pairs, 2 and 4.
    assert logged.opens_pair.tolist() == [True, False, False]


def test_responses_without_a_matching_click_are_dropped(tmp_path):
    shown: tuple[object, ...] = "", ["pear", "fig"], [2.0, 1.0], [0, 1], []
    clicked, bought = (["plum"], ["click"], [0.0]), (["fig"], ["purchase"], [5.0])
    write(tmp_path, ("u#anna", 30, *shown, *clicked), ("u#anna", 31, *shown, *bought))

    assert len(load_impressions(tmp_path, DATA, COLUMNS)) == 0


def test_dataset_without_logged_responses_is_empty(tmp_path):
    assert len(load_impressions(tmp_path, DATA, COLUMNS)) == len(impressions((), COLUMNS)) == 0


@pytest.mark.parametrize(
    ("objective", "gains"),
    [("click:1", [1, 0]), ("click:1,purchase:10", [1, 10]), ("revenue:2", [0, 9]), ("purchase:1,MARGIN:0.5", [0, 2.5])],
)
def test_gains_equal_the_objective(objective, gains, tmp_path):
    outcomes = ["pear", "fig"], ["click", "purchase"], [0.0, 4.5]
    write(tmp_path, ("u#anna", 30, "", ["pear", "fig"], [2.0, 1.0], [0, 1], [], *outcomes))

    data = load_impressions(tmp_path, DATA, COLUMNS, objective=Objective.parse(objective))

    assert data.gains.tolist() == gains


def test_returns_and_strings_give_no_gain():
    objective = Objective.parse("revenue:1,margin:1")

    assert objective.gain({"purchase": -5.0}, {}) == 0
    assert objective.gain({"purchase": 0.0}, {"margin": "high"}) == 0


@pytest.mark.parametrize("text", ["click", "click:", ":1", "click:-1", "click:0", "click:nan", "click:1,"])
def test_invalid_objective_is_refused(text):
    with pytest.raises(InvalidInput, match=r"objective has .*, expected a name and a weight above 0"):
        Objective.parse(text)


def test_rare_devices_have_no_context():
    shown = Response(0, np.array([1, 2]), np.ones(2), np.arange(2), np.ones(2), np.array([1]))
    devices = ["phone"] * 12 + ["desktop"] * 8 + ["television"]

    data = impressions([shown._replace(device=device) for device in devices], COLUMNS)

    assert data.context_names == [*HOURS, "device desktop", "device phone"]
