import dataclasses

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.bundle.files import BIAS_GRAPH_FILE, DATA_FILE, GRAPH_FILE, GRAPH_FILES
from model_export import algorithms
from model_export.algorithms.blend import Blend
from model_export.algorithms.building_blocks.item_to_item import ItemRowsModel
from model_export.algorithms.buy_again import BuyAgain, BuyAgainModel
from model_export.algorithms.distilled import Distilled
from model_export.algorithms.ease import Ease
from model_export.data.interactions import Histories
from model_export.export.parity import check_parity
from model_export.export.writer import open_session, recommend, write_graphs
from model_export.graph.contract import TWO_LEVELS_FROM
from tests.unit.model_export.networks import SMALL, untrained
from tests.unit.model_export.shops import history, interactions, random_sequences

NOTHING = np.zeros((1, 0), np.int64)
FEW_ITEMS, MANY_ITEMS = 40, TWO_LEVELS_FROM + 700


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """Return sessions of graphs that return the weights of the history. With `MANY_ITEMS`, top k has two levels."""
    opened = {}
    for items in (FEW_ITEMS, MANY_ITEMS):
        directory = tmp_path_factory.mktemp(f"items{items}")
        ones = np.ones(items + 1, np.float32)
        write_graphs(BuyAgainModel(settings=BuyAgain(), items=items, again=ones, demand=ones), directory)
        opened[items] = open_session(directory / GRAPH_FILE)
    return opened


def best_by_hand(scores, excluded, k):
    scores = scores.copy()
    scores[[0, *excluded]] = 0
    order = [item for item in np.argsort(-scores, kind="stable").tolist() if scores[item] > 0][:k]
    missing = k - len(order)
    return order + [0] * missing, scores[order].tolist() + [-np.inf] * missing


@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("items", [FEW_ITEMS, MANY_ITEMS])
def test_graph_returns_the_best_k_in_the_order_of_numpy(sessions, items, data):
    position = st.integers(0, items) | st.integers(max(0, items - 300), items)
    batch = data.draw(st.integers(1, 3))
    length = data.draw(st.integers(1, 30))
    excluded = data.draw(st.integers(0, 5))
    k = data.draw(st.integers(1, 60) | st.just(items + 5))
    row = st.lists(position, min_size=length, max_size=length)
    weight = st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=length, max_size=length)
    histories = Histories(
        items=np.array([data.draw(row) for _ in range(batch)], np.int64),
        weights=np.array([data.draw(weight) for _ in range(batch)], np.float32),
    )
    exclude = np.array(
        [data.draw(st.lists(position, min_size=excluded, max_size=excluded)) for _ in range(batch)], np.int64
    ).reshape(batch, excluded)

    found, scores = recommend(sessions[items], histories, exclude=exclude, k=k)

    dense = histories.matrix(columns=items + 1).toarray()
    for query in range(batch):
        wanted, values = best_by_hand(dense[query], exclude[query].tolist(), k)
        assert found[query].tolist() == wanted
        np.testing.assert_allclose(scores[query], values, rtol=1e-6)


@pytest.mark.parametrize("items", [FEW_ITEMS, MANY_ITEMS])
@pytest.mark.parametrize(
    ("past", "first_excluded", "expected"),
    [((2, 1, 3), 3, [1, 2, 0]), ((2,), None, [2, 0, 0]), ((0, 0), None, [0, 0, 0])],
    ids=["excluded items", "items without a score", "unknown history"],
)
def test_list_is_padded_if_fewer_than_k_items_remain(sessions, items, past, first_excluded, expected):
    exclude = np.arange(first_excluded or items + 1, items + 1)[None, :]

    found, scores = recommend(sessions[items], history(*past), exclude=exclude, k=3)

    assert found.tolist() == [expected]
    assert scores.tolist() == [[1.0 if item else -np.inf for item in expected]]


def fitted(name, *, items):
    data = interactions(random_sequences(users=60, items=items, length=20), items=items)
    known = {**algorithms.known(), "ease": Ease(max_items=500)}
    if name in ("blend", "distilled"):
        weights = {"ease": 0.4, "transitions": 0.8}
        if name == "blend":
            weights |= {"buy_again": 1.0, "popularity": 0.05}
        parts = tuple((dataclasses.replace(known[part], position_decay=0.7), weights[part]) for part in sorted(weights))
        combination = Blend if name == "blend" else Distilled
        return combination(half_life_days=120.0, parts=parts).fit(data)
    if name == "sasrec":
        return untrained(SMALL, items=items)  # The nodes of the graph do not depend on the weights.
    return known[name].fit(data)


def padded_histories(items):
    """Return histories with padding at the left, at the right, in between and only padding.

    Weights of padding are not 0.
    """
    rows = [[0, 0, 0, 3, 5], [3, 5, 0, 0, 0], [0, 3, 0, 5, 0], [0, 0, 0, 0, 0], [items, items, 1, 2, items]]
    weights = np.random.default_rng(1).random((len(rows), 5)).astype(np.float32) + 0.1
    return Histories(items=np.array(rows, np.int64), weights=weights)


@pytest.mark.parametrize("items", [30, TWO_LEVELS_FROM + 10])
@pytest.mark.parametrize("name", list(algorithms.known()))
def test_graph_ranks_like_the_model(name, items, tmp_path):
    model = fitted(name, items=items)
    write_graphs(model, tmp_path)

    parity = check_parity(model, tmp_path, padded_histories(items))

    assert parity.histories == 5 + 5 + 5 + 1  # Given, of one item, with scattered padding, and an empty one.
    assert parity.largest_difference < 1e-5


@pytest.mark.parametrize("name", list(algorithms.known()))
def test_graph_accepts_padding_at_any_position(name, tmp_path):
    model = fitted(name, items=30)
    write_graphs(model, tmp_path)
    session = open_session(tmp_path / GRAPH_FILE)
    histories = Histories(
        items=np.array([[0, 0, 3, 5], [3, 5, 0, 0], [3, 0, 0, 5]]),
        weights=np.array([[9, 9, 2, 1], [2, 1, 9, 9], [2, 9, 9, 1]], np.float32),
    )

    found, scores = recommend(session, histories, exclude=np.zeros((3, 1), np.int64), k=30)

    assert found[0].tolist() == found[1].tolist() == found[2].tolist()
    np.testing.assert_allclose(scores[1:], scores[[0, 0]], rtol=1e-5)


@pytest.mark.parametrize("items", [30, TWO_LEVELS_FROM + 10])
@pytest.mark.parametrize("name", list(algorithms.known()))
def test_bias_adds_to_scores_and_excludes_but_creates_no_score(name, items, tmp_path):
    model = fitted(name, items=items)
    write_graphs(model, tmp_path)
    session = open_session(tmp_path / BIAS_GRAPH_FILE)
    bias = np.random.default_rng(2).choice(np.array([0, 0.5, -0.5, 1e4, -np.inf], np.float32), items + 1)

    found, scores = recommend(session, history(3, 5), exclude=NOTHING, k=items, bias=bias)

    expected = model.score(history(3, 5))[0]
    expected = np.where(expected > 0, expected + bias, -np.inf)
    count = np.count_nonzero(expected > -np.inf)
    assert sorted(found[0, :count].tolist()) == np.flatnonzero(expected > -np.inf).tolist()
    np.testing.assert_allclose(scores[0, :count], expected[found[0, :count]], rtol=1e-5, atol=1e-6)
    assert not found[0, count:].any()
    assert (np.diff(scores[0, :count]) <= 0).all()


def test_bias_does_not_restore_an_excluded_item(tmp_path):
    write_graphs(fitted("popularity", items=30), tmp_path)
    session = open_session(tmp_path / BIAS_GRAPH_FILE)
    bias = np.full(31, 1e6, np.float32)

    found, _ = recommend(session, history(3), exclude=np.array([[3]]), k=30, bias=bias)

    assert 3 not in found


def test_both_graphs_share_one_data_file_without_embedded_tables(tmp_path):
    model = fitted("transitions", items=TWO_LEVELS_FROM + 10)

    write_graphs(model, tmp_path)

    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == set(GRAPH_FILES)
    assert isinstance(model, ItemRowsModel)
    assert sizes[DATA_FILE] >= model.rows.value.nbytes + model.rows.target.nbytes
    assert sizes[GRAPH_FILE] < 20_000


@pytest.mark.parametrize("name", ["transitions", "buy_again", "repurchase", "popularity"])
def test_masks_are_scattered_into_tensors_of_known_shape(name, tmp_path):
    """If the shape is unknown, ONNX Runtime copies the complete tensors."""
    model = fitted(name, items=30)
    write_graphs(model, tmp_path)

    proto = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / GRAPH_FILE, load_external_data=False))

    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in proto.graph.value_info
    }
    written = [node for node in proto.graph.node if node.op_type == "ScatterElements"]
    assert written
    assert all(shapes[node.input[0]] == shapes[node.output[0]] == ["batch", 31] for node in written)


def test_history_can_be_excluded_from_the_list(tmp_path):
    write_graphs(fitted("buy_again", items=30), tmp_path)
    histories = padded_histories(30)

    found, _ = recommend(open_session(tmp_path / GRAPH_FILE), histories, exclude=histories.items, k=30)

    for query, row in enumerate(histories.items):
        assert not set(found[query].tolist()) - {0} & set(row.tolist())
