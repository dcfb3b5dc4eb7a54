import importlib.util
import math

import numpy as np
import pandas as pd
import pytest

from alsolike.runtime.errors import InvalidInput
from model_export.data.interactions import Histories
from model_export.evaluation import ranking
from operations import library
from tests.builders.snippets import ROOT, snippets

PAGE = ROOT / "docs" / "library.md"
DAY_S = 86_400
START_S = 1_700_000_000


def shop(*, users=60, days=40, items=10):
    """Return one interaction per user and day. Each user interacts with one of three groups of items."""
    rows = [
        (f"u{user}", f"i{items * (user % 3) + (user * 7 + day * 7) % items}", START_S + day * DAY_S + user)
        for user in range(users)
        for day in range(days)
    ]
    return pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])


@pytest.fixture(scope="module")
def data():
    return library.load(shop(), exclude_seen=False)


class Fixed:
    """Recommender with a fixed list per user. It keeps the frame that `fit` receives."""

    def __init__(self, lists):
        self.lists = lists

    def fit(self, interactions):
        self.interactions = interactions

    def recommend(self, users, k):
        return [self.lists(user)[:k] for user in users]


def test_documented_code_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("implicit")
    monkeypatch.chdir(tmp_path)
    shop().to_csv("interactions.csv", index=False)
    has_rectools, has_plots = (importlib.util.find_spec(name) is not None for name in ("rectools", "matplotlib"))
    namespace: dict[str, object] = {}

    for _, _, text in snippets(PAGE, "python"):
        if "from rectools" in text and not has_rectools:
            pd.DataFrame({"USER_ID": ["u0", "u0"], "ITEM_ID": ["i1", "i2"]}).to_csv("rectools.csv", index=False)
            continue
        lines = [line for line in text.splitlines() if has_plots or "library.plot" not in line]
        exec("\n".join(lines), namespace)

    printed = capsys.readouterr().out
    assert {"ndcg", "coverage", "EASE", "ALS", "latest", "RecTools"} <= set(printed.split())


def test_hold_out_starts_after_the_training_data(data):
    assert data.train["TIMESTAMP"].max() <= data.test_start
    assert list(data.train.columns) == ["USER_ID", "ITEM_ID", "TIMESTAMP", "WEIGHT"]
    assert set(data.train["USER_ID"]) == {f"u{user}" for user in range(60)}


@pytest.mark.parametrize("seen", [True, False])
def test_own_model_has_the_metrics_of_a_training(seen):
    data = library.load(shop(items=60), test_days=3, exclude_seen=seen)
    model = library.fit("transitions", data)

    found = library.evaluate(model, data, k=5)["value"]

    (quality,) = ranking.evaluate(model.model, data.part.queries, k=5, seen=[data.seen]).values()
    for name in ("ndcg", "hr", "mrr", "coverage"):
        assert found[name] == pytest.approx(getattr(quality, name))


def two_users():
    rows = [(user, item, START_S + day * DAY_S) for user in ("a", "b") for day, item in enumerate("pqrs")]
    return pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])


def test_metrics_of_known_lists_are_exact():
    data = library.load(two_users(), test_days=1, exclude_seen=False)

    found = library.evaluate(Fixed(lambda user: ["p", "s"] if user == "a" else ["q", "r"]), data, k=2)["value"]

    assert found["ndcg"] == pytest.approx((1 / math.log2(3) + 0) / 2)  # the target is s
    assert found["hr"] == pytest.approx((1 + 0) / 2)
    assert found["mrr"] == pytest.approx((1 / 2 + 0) / 2)
    assert found["coverage"] == pytest.approx(4 / 4)


def test_seen_items_are_removed_from_longer_lists():
    data = library.load(two_users(), test_days=1, exclude_seen=True)

    found = library.evaluate(Fixed(lambda user: ["p", "q", "r", "s"]), data, k=1)["value"]

    assert found["ndcg"] == 1.0


def test_comparison_pairs_users_with_the_first_model(data):
    best = library.fit("popularity", data)

    table = library.compare({"best": best, "same": best, "nothing": Fixed(lambda user: [])}, data)

    rows = table.to_dict("index")
    assert [rows["same"][name] for name in ("ahead", "ahead_low", "ahead_high")] == [0.0, 0.0, 0.0]
    assert rows["nothing"]["ahead"] == -rows["best"]["ndcg"]
    assert rows["nothing"]["ahead_high"] < 0
    assert rows["best"]["ndcg_low"] <= rows["best"]["ndcg"] <= rows["best"]["ndcg_high"]


def test_comparison_fits_peers_on_the_training_data(data):
    peer = Fixed(lambda user: ["i1"])

    library.compare({"peer": peer}, data)

    pd.testing.assert_frame_equal(peer.interactions, data.train)


def test_models_of_implicit_learn_the_groups_of_items(data):
    als = pytest.importorskip("implicit.als").AlternatingLeastSquares(factors=8, random_state=0)
    bm25 = pytest.importorskip("implicit.nearest_neighbours").BM25Recommender(K=20)

    table = library.compare({"als": library.Implicit(als), "bm25": library.Implicit(bm25)}, data)

    assert (table["hr"] > 0.8).all()
    assert library.Implicit(als).fit(data.train).recommend(["u0", "unknown"], 3)[1] == []


def test_lists_of_another_environment_keep_their_order():
    frame = pd.DataFrame({"USER_ID": [1, 2, 1], "ITEM_ID": ["b", "a", "a"], "score": [0.9, 0.8, 0.1]})

    assert library.Lists(frame).recommend(["1", "2", "3"], 2) == [["b", "a"], ["a"], []]


def test_own_model_recommends_nothing_to_unknown_users(data):
    lists = library.fit("popularity", data).recommend(["unknown", "u3"], 4)

    assert [len(listed) for listed in lists] == [0, 4]


def test_dates_and_seconds_result_in_equal_data():
    frame = shop()
    dates = frame.assign(TIMESTAMP=pd.to_datetime(frame["TIMESTAMP"], unit="s", utc=True))

    pd.testing.assert_frame_equal(library.load(dates).train, library.load(frame).train)


def test_rows_that_an_import_rejects_are_in_the_notes():
    frame = shop()
    frame.loc[0, "USER_ID"] = ""

    assert "1 row left out" in library.load(frame).notes[0]


def test_repeated_items_of_a_peer_are_an_error(data):
    with pytest.raises(InvalidInput, match="peer recommends an item twice to user 'u0', expected different items"):
        library.compare({"peer": Fixed(lambda user: ["i1", "i1"])}, data)


def test_missing_lists_of_a_peer_are_an_error(data):
    class Short(Fixed):
        def recommend(self, users, k):
            return super().recommend(users, k)[1:]

    with pytest.raises(InvalidInput, match="peer returned 59 lists for 60 users, expected one per user"):
        library.compare({"peer": Short(lambda user: [])}, data)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (shop().drop(columns="TIMESTAMP"), "misses TIMESTAMP"),
        (shop(users=1, days=1), "no user has interactions both up to"),
    ],
)
def test_data_without_a_column_or_test_users_are_an_error(frame, message):
    with pytest.raises(InvalidInput, match=message):
        library.load(frame)


def test_unknown_algorithm_is_an_error(data):
    with pytest.raises(InvalidInput, match="unknown algorithm 'als'"):
        library.fit("als", data)


def test_plot_draws_bars_or_names_matplotlib(data):
    table = library.compare({"best": library.fit("transitions", data), "peer": Fixed(lambda user: [])}, data)
    if importlib.util.find_spec("matplotlib") is None:
        with pytest.raises(InvalidInput, match="pip install matplotlib"):
            library.plot(table)
        return

    axes = library.plot(table)

    assert [label.get_text() for label in axes.get_yticklabels()] == ["peer", "best"]
    assert np.allclose([bar.get_width() for bar in axes.patches], table["ndcg"][::-1])


@pytest.mark.parametrize("algorithm", ["ease", "transitions", "popularity", "repurchase"])
def test_exported_model_recommends_the_same_items(data, algorithm, tmp_path):
    model = library.fit(algorithm, data)

    library.export(model, tmp_path)
    items = library.serve(tmp_path).recommend(["i3"], k=5)

    history = Histories(items=np.array([[data.item_ids.index("i3") + 1]]), weights=np.ones((1, 1), np.float32))
    scores = model.model.score(history)[0]
    expected = [data.item_ids[item - 1] for item in np.argsort(-scores, kind="stable") if scores[item] > 0]
    assert items == [item for item in expected if item != "i3"][:5]


def test_served_model_ignores_unknown_items(data, tmp_path):
    library.export(library.fit("ease", data), tmp_path)
    served = library.serve(tmp_path)

    assert served.recommend(["i3", "unknown"], k=3) == served.recommend(["i3"], k=3)
    assert served.recommend(["unknown"], k=3) == []
