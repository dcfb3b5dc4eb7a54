import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from alsolike.bundle import bundle, files
from alsolike.bundle.manifest import HistoryParameters
from alsolike.declarations.times import DAY_MS
from alsolike.profiles.profile import RecentInteraction
from alsolike.runtime.errors import InvalidBundle
from functions.recommend.scored_item import ScoredItem
from functions.recommend.start import FIRST_GRAPH, open_first_session
from functions.recommend.state.model import GRAPH_ERRORS, Model
from tests.builders.bundles import MANIFEST, without_later_files, write_bundle
from tests.builders.lambda_events import NOW_MS

TRANSITIONS = {("pear", "plum"): 1.0, ("pear", "fig"): 2.0, ("plum", "kiwi"): 3.0}


def model(directory, **fields):
    write_bundle(directory, manifest=dataclasses.replace(MANIFEST, **fields), transitions=TRANSITIONS)
    return Model(directory)


def recent(*entries):
    return [
        RecentInteraction(NOW_MS - round(days * DAY_MS), f"e{index}", item_id, event_type)
        for index, (item_id, event_type, days) in enumerate(entries)
    ]


@pytest.fixture(scope="module")
def shop_of_30(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shop")
    write_bundle(directory, item_ids=[f"i{n}" for n in range(1, 31)], popular=[f"i{n}" for n in range(30, 10, -1)])
    return Model(directory)


def known(loaded, entries):
    return loaded.history(entries, loaded.bundle.positions([entry.item_id for entry in entries]))


def ranked(loaded, entries, *, k=4):
    history = known(loaded, entries)
    positions, scores = loaded.rank(history, k=k, now_ms=NOW_MS)
    return [
        (loaded.bundle.item_id(position), score) for position, score in zip(positions, scores.tolist(), strict=True)
    ]


def test_items_are_ranked_by_the_weighted_history(tmp_path):
    """The weights are 1 for the viewed pear and 5 for the purchased plum: fig 1*2, plum 1*1, kiwi 5*3."""
    entries = recent(("pear", "view", 1), ("plum", "purchase", 0))

    assert ranked(model(tmp_path), entries, k=3) == [("kiwi", 15.0), ("fig", 2.0), ("plum", 1.0)]


def test_unknown_items_and_event_types_are_ignored(tmp_path):
    loaded = model(tmp_path)

    history = known(loaded, recent(("durian", "view", 2), ("pear", "cart", 1), ("plum", "view", 0)))

    assert [loaded.bundle.item_id(int(position)) for position in history.items] == ["plum"]


def test_only_the_latest_known_interactions_count(tmp_path):
    loaded = model(tmp_path)

    history = known(
        loaded, recent(*((item, "view", 9.0 - n) for n, item in enumerate(["pear", "plum", "fig", "kiwi"])))
    )

    assert [loaded.bundle.item_id(int(position)) for position in history.items] == ["plum", "fig", "kiwi"]


def test_seen_items_are_excluded_if_the_model_excludes_them(tmp_path):
    entries = recent(("pear", "view", 1), ("plum", "view", 0))

    assert ranked(model(tmp_path / "a"), entries) == [("kiwi", 3.0), ("fig", 2.0), ("plum", 1.0)]
    assert ranked(model(tmp_path / "b", exclude_seen=True), entries) == [("kiwi", 3.0), ("fig", 2.0)]


def test_bought_items_are_excluded_if_the_model_excludes_them(tmp_path):
    entries = recent(("durian", "purchase", 2), ("pear", "view", 1), ("plum", "purchase", 0))
    loaded = model(tmp_path, exclude_bought=True)

    assert ranked(loaded, entries) == [("kiwi", 15.0), ("fig", 2.0)]
    assert ranked(loaded, entries[:2]) == [("fig", 2.0), ("plum", 1.0)]
    history = known(loaded, entries)
    assert [loaded.bundle.item_id(item.position) for item in loaded.popular(4, history=history)] == [
        "fig", "pear", "kiwi",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [
        ({}, [("fig", 10.0), ("plum", 5.0)]),
        ({"exclude_bought": True}, [("fig", 10.0)]),
        ({"exclude_seen": True}, [("fig", 10.0)]),
    ],
    ids=["none", "bought", "seen"],
)
def test_returned_item_does_not_count_and_is_excluded_like_a_kept_one(tmp_path, excluded, expected):
    """The plum was bought and returned, so only the pear counts."""
    history = HistoryParameters(length=3, half_life_days=7.0, event_weights={"purchase": 5.0, "return": -5.0})
    entries = recent(("pear", "purchase", 0), ("plum", "purchase", 0), ("plum", "return", 0))
    loaded = model(tmp_path, history=history, **excluded)

    assert ranked(loaded, entries) == expected
    popular = [loaded.bundle.item_id(item.position) for item in loaded.popular(4, history=known(loaded, entries))]
    assert ("plum" in popular) == (not excluded)


def test_history_length_counts_interactions_after_returns(tmp_path):
    history = HistoryParameters(length=1, half_life_days=7.0, event_weights={"view": 1.0, "return": -5.0})
    entries = recent(("pear", "view", 0), ("plum", "view", 0), ("plum", "return", 0))

    assert ranked(model(tmp_path, history=history), entries) == [("fig", 2.0), ("plum", 1.0)]


def test_list_ends_after_items_that_the_model_scores(tmp_path):
    assert ranked(model(tmp_path), recent(("pear", "view", 0)), k=500) == [("fig", 2.0), ("plum", 1.0)]
    assert ranked(model(tmp_path), recent(("kiwi", "view", 0))) == []


def test_popular_fill_items_score_less_and_are_not_repeated(tmp_path):
    """The positions are pear 1, plum 2, fig 3 and kiwi 4. Fig, pear and kiwi are popular. No list contains the plum."""
    loaded = model(tmp_path)

    items = loaded.popular(3, after=[ScoredItem(4, 9.0), ScoredItem(1, 6.0)])

    assert [(item.position, item.score) for item in items] == [(3, 6.0 / 2), (2, 6.0 / 3)]


@given(data=st.data())
def test_fill_items_are_the_first_permitted_ones(shop_of_30, data):
    """The popular items are 30, 29, ..., 11. The other items follow by position: 1, ..., 10."""
    after = [ScoredItem(position, 1.0) for position in data.draw(st.lists(st.integers(1, 30), unique=True))]
    barred = data.draw(st.none() | st.sets(st.integers(0, 30)))
    k = data.draw(st.integers(0, 35))
    bias = None if barred is None else np.array([-np.inf if n in barred else 0 for n in range(31)], np.float32)

    items = shop_of_30.popular(k, after=after, mask=bias)

    left_out = {item.position for item in after} | (barred or set())
    order = [*range(30, 10, -1), *range(1, 11)]
    assert [item.position for item in items] == [position for position in order if position not in left_out][:k]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (files.GRAPH_FILE, lambda _: b"no graph", r"graph\.onnx of v1 does not run"),
        (files.BIAS_GRAPH_FILE, lambda graph: graph, r"graph\.bias\.onnx of v1 does not run"),
        (files.DATA_FILE, lambda _: b"", r"graph\.tables\.json does not fit graph\.data"),
    ],
)
def test_unreadable_graph_raises_invalid_bundle(tmp_path, name, data, message):
    manifest = write_bundle(tmp_path)
    (tmp_path / name).write_bytes(data((tmp_path / files.GRAPH_FILE).read_bytes()))
    bundle.write_manifest(tmp_path, manifest)

    with pytest.raises(InvalidBundle, match=message):
        Model(tmp_path)

    if name == files.DATA_FILE:
        without_later_files(tmp_path)
        with pytest.raises(InvalidBundle, match=r"graph\.onnx of v1 does not run"):
            Model(tmp_path)


def test_opening_runs_both_graphs_with_the_longest_history(tmp_path, monkeypatch):
    histories = []
    monkeypatch.setattr(Model, "_run", lambda _, name, feed: histories.append((name, feed["history"].shape)))

    model(tmp_path)

    assert histories == [(name, (1, MANIFEST.history.length)) for name in (files.GRAPH_FILE, files.BIAS_GRAPH_FILE)]


def test_bundle_without_a_table_index_ranks_the_same(tmp_path):
    write_bundle(tmp_path, transitions={("pear", "fig"): 2.0})
    shared = Model(tmp_path)
    history = known(shared, recent(("pear", "view", 0)))
    positions, scores = shared.rank(history, k=1, now_ms=NOW_MS)
    without_later_files(tmp_path)

    again = Model(tmp_path).rank(history, k=1, now_ms=NOW_MS)
    assert [array.tolist() for array in again] == [positions.tolist(), scores.tolist()]
    assert positions.tolist() == [3]


class Graph:
    """Session that returns fixed outputs."""

    def __init__(self, items, scores):
        self._outputs = np.asarray(items), np.asarray(scores, np.float32)

    def run(self, outputs, feed):
        return self._outputs


@pytest.mark.parametrize(
    ("items", "scores"),
    [
        ([[5]], [[1.0]]),
        ([[-1]], [[1.0]]),
        ([[999_999, 1]], [[2.0, 1.0]]),
        ([[1]], [[np.nan]]),
        ([[1]], [[np.inf]]),
        ([[1, 2, 3]], [[3.0, 2.0, 1.0]]),  # The request has k = 2.
        ([1, 2], [2.0, 1.0]),
        ([[1], [2]], [[2.0], [1.0]]),
        ([[1, 2]], [[2.0]]),
        ([[1.0]], [[1.0]]),
    ],
)
def test_invalid_graph_output_raises_a_graph_error(tmp_path, items, scores):
    loaded = model(tmp_path)
    loaded._sessions = dict.fromkeys(loaded._sessions, Graph(items, scores))
    history = known(loaded, recent(("pear", "view", 0)))

    with pytest.raises(GRAPH_ERRORS):
        loaded.rank(history, k=2, now_ms=NOW_MS)
    with pytest.raises(GRAPH_ERRORS):
        loaded.ablation_scores(history, np.array([1, 2]), latest=0, now_ms=NOW_MS)


def test_positions_without_an_item_are_dropped(tmp_path):
    loaded = model(tmp_path)
    loaded._sessions = dict.fromkeys(loaded._sessions, Graph([[0, 3, 0]], [[-np.inf, 2.0, np.nan]]))

    positions, scores = loaded.rank(known(loaded, recent(("pear", "view", 0))), k=3, now_ms=NOW_MS)

    assert (positions.tolist(), scores.tolist()) == ([3], [2.0])


def test_mask_excludes_items_from_ranked_and_popular_lists(tmp_path):
    """The positions are pear 1, plum 2, fig 3 and kiwi 4. Fig, pear and kiwi are popular."""
    loaded = model(tmp_path)
    bias = np.array([0, 0, 0, -np.inf, -np.inf], np.float32)
    entries = recent(("pear", "view", 1), ("plum", "view", 0))

    positions, scores = loaded.rank(known(loaded, entries), k=4, now_ms=NOW_MS, bias=bias)
    popular = loaded.popular(4, mask=bias)

    assert (positions.tolist(), scores.tolist()) == ([2], [1.0])
    assert [(item.position, item.score) for item in popular] == [(1, 1.0), (2, 1 / 2)]


def test_stored_first_graph_equals_its_definition_and_opens():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "nothing", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    assert model.SerializeToString() == FIRST_GRAPH.read_bytes()
    open_first_session()
