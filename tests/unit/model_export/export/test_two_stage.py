import dataclasses

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.bundle.files import BIAS_GRAPH_FILE, DATA_FILE, GRAPH_FILE
from model_export.data.interactions import Histories
from model_export.export.parity import ParityError, check_parity
from model_export.export.stages import MIN_RECALL
from model_export.export.writer import open_session, recommend, write_graphs
from model_export.graph.contract import FLAT_BELOW, Graph
from model_export.graph.two_stage import TwoStages
from tests.unit.model_export.embeddings import DIMENSIONS, MANY, Embeddings, random_histories
from tests.unit.model_export.shops import history

NOTHING = np.zeros((1, 0), np.int64)


def answer_every_list_in_two_stages(patch):
    """Use two stages even if one stage would be faster."""
    patch.setattr(TwoStages, "longest_list", lambda *_: 10_000)


@pytest.fixture(scope="module")
def model():
    return Embeddings.random(items=MANY, dimensions=DIMENSIONS, spectrum=0.5)


@pytest.fixture(scope="module")
def two_stages(model, tmp_path_factory):
    """Return the folder of graphs with a first stage that uses all dimensions."""
    directory = tmp_path_factory.mktemp("two")
    write_graphs(model, directory, two_stages=TwoStages(DIMENSIONS, 64))
    return directory


@pytest.fixture(scope="module")
def biased(two_stages):
    return open_session(two_stages / BIAS_GRAPH_FILE)


@dataclasses.dataclass(frozen=True)
class Tied:
    """Model with two stages, and its sessions without and with a bias."""

    model: Embeddings
    sessions: tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession]


@pytest.fixture(scope="module")
def tied(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tied")
    model = Embeddings.random(items=FLAT_BELOW + 100, dimensions=6, spectrum=0.0)
    model.vectors[:] = np.rint(model.vectors)
    with pytest.MonkeyPatch.context() as patch:
        answer_every_list_in_two_stages(patch)
        write_graphs(model, directory, two_stages=TwoStages(6, model.items))
    return Tied(model, (open_session(directory / GRAPH_FILE), open_session(directory / BIAS_GRAPH_FILE)))


def best(model, histories, k, *, bias, exclude=NOTHING):
    scores = model.score(histories)
    scores = np.where(scores > 0, scores + bias, -np.inf)
    np.put_along_axis(scores, exclude, -np.inf, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.where(np.take_along_axis(scores, order, axis=1) > -np.inf, order, 0).tolist()


@pytest.mark.parametrize("items", [30, FLAT_BELOW + 10])
@pytest.mark.parametrize("softplus", [False, True])
def test_one_stage_ranks_like_the_model(softplus, items, tmp_path):
    model = Embeddings.random(items=items, dimensions=16, spectrum=0.3, softplus=softplus)
    write_graphs(model, tmp_path)

    parity = check_parity(model, tmp_path, random_histories(items, rows=20))

    assert (parity.recall, parity.largest_difference < 1e-5) == (1.0, True)


@pytest.mark.parametrize("items", [FLAT_BELOW + 10, MANY])
@pytest.mark.parametrize("softplus", [False, True])
def test_two_stages_rank_like_the_model(softplus, items, tmp_path, monkeypatch):
    answer_every_list_in_two_stages(monkeypatch)
    model = Embeddings.random(items=items, dimensions=DIMENSIONS, spectrum=0.5, softplus=softplus)
    product = write_graphs(model, tmp_path, two_stages=TwoStages(DIMENSIONS, 64))

    parity = check_parity(model, tmp_path, random_histories(items, rows=20), min_recall=MIN_RECALL)

    assert product.dimensions == DIMENSIONS
    assert parity.recall >= MIN_RECALL


def test_equal_vectors_are_sorted_by_position(tmp_path, monkeypatch):
    answer_every_list_in_two_stages(monkeypatch)
    model = Embeddings.random(items=FLAT_BELOW, dimensions=8, spectrum=0.0)
    model.vectors[1:] = model.vectors[1 + np.arange(FLAT_BELOW) % 50]
    write_graphs(model, tmp_path, two_stages=TwoStages(8, 64))

    found, scores = recommend(open_session(tmp_path / GRAPH_FILE), history(3), exclude=NOTHING, k=120)

    assert found[0, :100].tolist() == list(range(found[0, 0], FLAT_BELOW + 1, 50))
    assert len(set(scores[0, :100].tolist())) == 1


@pytest.mark.parametrize("name", [GRAPH_FILE, BIAS_GRAPH_FILE])
def test_list_too_long_for_two_stages_is_exact(name, tmp_path):
    """Without decay of the axes, a first stage with one axis has almost no information."""
    isotropic = Embeddings.random(items=MANY, dimensions=DIMENSIONS, spectrum=0.0)
    way = TwoStages(1, 24)
    write_graphs(isotropic, tmp_path, two_stages=way)
    histories = random_histories(MANY, rows=1)
    neutral = np.zeros(MANY + 1, np.float32)

    def recall(k):
        found, _ = recommend(
            open_session(tmp_path / name), histories, exclude=NOTHING, k=k, bias=neutral if "bias" in name else None
        )
        return len(np.intersect1d(found, best(isotropic, histories, k, bias=neutral))) / k

    assert way.longest_list(MANY) == 100
    assert recall(100) < 0.5
    assert recall(101) == 1.0


@pytest.mark.parametrize(
    ("way", "items", "longest"),
    [
        # An eighth of 125,000 blocks, with 24 blocks per place, suffices for more than `LONGEST_LIST` places.
        (TwoStages(32, 24), 1_000_000, 100),
        # An eighth of 12,500 blocks, with 64 blocks per place, suffices for 24 places.
        (TwoStages(32, 64), 100_000, 24),
        (TwoStages(32, 24), 100_000, 65),
        (TwoStages(32, 24), 1_000, 0),
    ],
)
def test_longest_two_stage_list_depends_on_blocks_and_items(way, items, longest):
    assert way.longest_list(items) == longest


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_two_stages_with_all_blocks_equal_numpy(tied, data):
    """The vectors contain small integers, so that sums are exact and often equal."""
    position = st.integers(0, tied.model.items)
    rows = data.draw(st.lists(st.lists(position, min_size=3, max_size=3), min_size=1, max_size=3))
    histories = Histories(items=np.array(rows, np.int64), weights=np.ones((len(rows), 3), np.float32))
    exclude = np.array([data.draw(st.lists(position, min_size=4, max_size=4)) for _ in rows], np.int64)
    seed = data.draw(st.none() | st.integers(0, 2**32 - 1))
    bias = None
    if seed is not None:
        choices = np.array([0, 1, -2, -np.inf], np.float32)
        bias = np.random.default_rng(seed).choice(choices, tied.model.items + 1)
    k = data.draw(st.integers(1, 600))

    found, _ = recommend(tied.sessions[bias is not None], histories, exclude=exclude, k=k, bias=bias)

    neutral = np.zeros(tied.model.items + 1, np.float32)
    assert found.tolist() == best(tied.model, histories, k, bias=neutral if bias is None else bias, exclude=exclude)


@pytest.mark.parametrize("passing", [MANY // 10_000, MANY // 100])
def test_two_stage_filter_applies_before_blocks_are_dropped(model, biased, passing):
    """Not all of the best 20 passing items are in the unfiltered lists."""
    histories = random_histories(MANY, rows=5)
    bias = np.full(MANY + 1, -np.inf, np.float32)
    bias[np.random.default_rng(3).choice(MANY, passing, replace=False) + 1] = 0

    found, _ = recommend(biased, histories, exclude=np.zeros((5, 0), np.int64), k=passing, bias=bias)

    unfiltered = best(model, histories, 100, bias=np.zeros(MANY + 1, np.float32))
    assert np.sort(found).tolist() == np.sort(best(model, histories, passing, bias=bias)).tolist()
    in_order = np.take_along_axis(model.score(histories), found, axis=1)
    # Sums of floats differ between processors in the last digits.
    assert (np.diff(in_order) <= 1e-6 * in_order[:, :1]).all()
    assert not np.isin(found[:, :20], unfiltered).all()


def test_two_stage_boosts_apply_before_blocks_are_dropped(model, biased):
    histories = random_histories(MANY, rows=3)
    bias = np.random.default_rng(4).choice(np.array([0, 3, 30, -3, -np.inf], np.float32), MANY + 1)

    found, _ = recommend(biased, histories, exclude=histories.items, k=50, bias=bias)

    assert found.tolist() == best(model, histories, 50, bias=bias, exclude=histories.items)


def test_excluded_items_do_not_use_up_blocks(model, two_stages):
    """The best 2,000 items are excluded. They are in more blocks than the second stage accepts."""
    histories = random_histories(MANY, rows=1)
    neutral = np.zeros(MANY + 1, np.float32)
    exclude = np.array(best(model, histories, 2_000, bias=neutral))

    found, _ = recommend(open_session(two_stages / GRAPH_FILE), histories, exclude=exclude, k=25)

    assert found.tolist() == best(model, histories, 25, bias=neutral, exclude=exclude)


@pytest.mark.parametrize("name", [GRAPH_FILE, BIAS_GRAPH_FILE])
def test_two_stage_list_ends_after_items_with_a_score(name, two_stages):
    session = open_session(two_stages / name)
    bias = np.ones(MANY + 1, np.float32) if name == BIAS_GRAPH_FILE else None

    unknown, _ = recommend(session, history(0), exclude=NOTHING, k=3, bias=bias)
    nothing_left, scores = recommend(session, history(1), exclude=np.arange(1, MANY + 1)[None, :], k=3, bias=bias)

    assert unknown.tolist() == nothing_left.tolist() == [[0, 0, 0]]
    assert scores.tolist() == [[-np.inf] * 3]


def test_vectors_are_stored_once_in_the_data_file(model, two_stages):
    size = (two_stages / DATA_FILE).stat().st_size

    # Each number takes 4 bytes, and 1 byte in the first stage.
    assert size < 1.01 * (model.vectors.nbytes + model.vectors.size)


def test_wrong_first_stage_fails_the_parity_check(model, tmp_path):
    write_graphs(model, tmp_path, two_stages=TwoStages(1, 24))

    with pytest.raises(ParityError, match=r"leaves out item \d+ of score .*; recall is 0\.\d+, expected at least 0.99"):
        check_parity(model, tmp_path, random_histories(MANY, rows=20), min_recall=MIN_RECALL)


def test_item_vectors_require_a_zero_padding_row():
    with pytest.raises(ValueError, match=r"v has 3 rows and padding \[\[1.0\]\], expected 4 rows and padding 0"):
        Graph(3).item_vectors("v", np.ones((3, 1), np.float32))
