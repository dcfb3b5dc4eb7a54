import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from alsolike.bundle.files import BIAS_GRAPH_FILE, GRAPH_FILE
from model_export import algorithms
from model_export.algorithms.building_blocks.item_to_item import ItemRowsModel
from model_export.algorithms.popularity import PopularityModel
from model_export.api import Model
from model_export.data.interactions import Floats, Histories
from model_export.evaluation.splits import leave_one_out
from model_export.export import parity
from model_export.export.parity import ParityError, check_parity
from model_export.export.writer import write_graphs
from model_export.graph.contract import Graph
from model_export.job import train
from tests.unit.model_export.shops import interactions, random_sequences, tiny_shop


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fixed(Model):
    said: Floats
    exported: Floats

    def score(self, histories):
        return np.tile(self.said, (len(histories), 1))

    def export(self, graph):
        return graph.for_batch(graph.item_weight("fixed.scores", self.exported))


def fixed(said, exported):
    columns = [np.array([0, *scores], np.float32) for scores in (said, exported)]
    return Fixed(settings=algorithms.known()["popularity"], items=len(said), said=columns[0], exported=columns[1])


ONE = Histories(items=np.array([[0, 1, 2]]), weights=np.ones((1, 3), np.float32))


def checked(model, directory, *, k=100):
    write_graphs(model, directory)
    return check_parity(model, directory, ONE, k=k)


def test_equal_scores_pass(tmp_path):
    found = checked(fixed([3, 2, 2, 0], [3, 2, 2, 0]), tmp_path)

    assert found == parity.Parity(histories=1 + 1 + 1 + 1, k=4, largest_difference=0.0)


def test_rounding_differences_pass(tmp_path):
    """The two swapped scores differ by 8e-6 of 2, and the tolerance is 2e-5."""
    found = checked(fixed([3, 2, 1.999992], [3, 1.999992, 2]), tmp_path)

    assert found.largest_difference == pytest.approx(4e-6, rel=0.05)


@pytest.mark.parametrize(
    ("said", "exported", "message"),
    [
        ([3, 2, 1], [3, 2.0001, 1], r"graph\.onnx differs from the model: item 2 at rank 2 has score 2.0001"),
        ([3, 2, 1], [3, 1, 2], r"graph\.onnx differs from the model: item 3 at rank 2"),
        ([3, 2, 0], [3, 2, 1e-3], r"graph\.onnx differs from the model: item 3 at rank 3 .* expected 0;"),
        ([3, 2, 1], [3, 2, 0], r"graph\.onnx leaves out item 3 of score 1, and ends at 0"),
        ([3, 2, 1], [3, 2, np.nan], r"graph\.onnx (leaves out item|differs from|is not sorted|has a score)"),
        ([3e-6, 2e-6, 1e-6], [3e-6, 1e-6, 2e-6], r"graph\.onnx differs from the model"),
    ],
    ids=["score", "order", "item of score 0", "missing item", "not a number", "order of small scores"],
)
def test_differing_scores_are_refused(said, exported, message, tmp_path):
    with pytest.raises(ParityError, match=message):
        checked(fixed(said, exported), tmp_path)


def test_missing_item_is_refused(tmp_path):
    said = [float(score) for score in range(300, 0, -1)]
    without_item_5 = fixed(said, [*said[:4], 0.5, *said[5:]])

    with pytest.raises(ParityError, match=r"graph\.onnx leaves out item 5 of score 296, and ends at 290"):
        checked(without_item_5, tmp_path, k=10)


@pytest.mark.parametrize(
    ("items", "scores", "message"),
    [
        ([1, 3, 2], [3, 2, 2], "is not sorted by score, then position: item 2 at rank 3"),
        ([2, 1, 3], [2, 3, 2], "is not sorted by score, then position: item 1 at rank 2"),
        ([1, 2, 2], [3, 2, 2], "is not sorted by score, then position: item 2 at rank 3"),
        ([1, 2, 0], [3, 2, 2], "has a score without an item: item 0 at rank 3"),
        ([1, 2, 4], [3, 2, 0], "goes on where the model knows nothing: item 4 at rank 3"),
    ],
    ids=["equal scores", "rising", "twice", "no item", "score 0"],
)
def test_unsorted_lists_are_refused(items, scores, message, tmp_path):
    model = fixed([3, 2, 2, 0], [3, 2, 2, 0])
    write_graphs(model, tmp_path)
    answer_always(tmp_path / GRAPH_FILE, items, scores)

    with pytest.raises(ParityError, match=message):
        check_parity(model, tmp_path, ONE, k=3)


def answer_always(path, items, scores):
    """Replace a graph by one with a constant output."""
    proto = onnx.load(path, load_external_data=False)
    graph = Graph(4)
    answers = [graph.integers(*items), graph.constant(np.array(scores, np.float32))]
    rows = [graph.for_batch(answer) for answer in answers]
    del proto.graph.node[:], proto.graph.value_info[:]
    names = zip(rows, ("items", "scores"), strict=True)
    proto.graph.node.extend([*graph.nodes, *(helper.make_node("Identity", [row], [name]) for row, name in names)])
    proto.graph.initializer.extend(graph.constants.values())
    path.write_bytes(proto.SerializeToString())


def add_ignored_bias(proto):
    proto.graph.input.append(helper.make_tensor_value_info("bias", TensorProto.FLOAT, [4]))


def ignore_exclusions(proto):
    (concat,) = (node for node in proto.graph.node if "exclude" in node.input)
    concat.input[0] = concat.input[1]


@pytest.mark.parametrize(
    ("change", "changed", "message"),
    [
        (add_ignored_bias, BIAS_GRAPH_FILE, r"graph\.bias\.onnx differs from the model: item \d .* expected -inf"),
        (ignore_exclusions, GRAPH_FILE, r"graph\.onnx differs from the model: item 1 .* expected -inf"),
    ],
)
def test_graph_that_ignores_bias_or_exclusions_is_refused(change, changed, message, tmp_path):
    model = fixed([3, 2, 1], [3, 2, 1])
    write_graphs(model, tmp_path)
    proto = onnx.load(tmp_path / GRAPH_FILE, load_external_data=False)
    change(proto)
    (tmp_path / changed).write_bytes(proto.SerializeToString())

    with pytest.raises(ParityError, match=message):
        check_parity(model, tmp_path, ONE)


def test_many_histories_are_compared_in_chunks(tmp_path, monkeypatch):
    data = interactions(random_sequences(users=40, items=30, length=10), items=30)
    model = algorithms.known()["transitions"].fit(data)
    write_graphs(model, tmp_path)
    rng = np.random.default_rng(0)
    histories = Histories(items=rng.integers(0, 31, (70, 8)), weights=rng.random((70, 8), np.float32))
    whole = check_parity(model, tmp_path, histories)

    monkeypatch.setattr(parity, "BATCH_BYTES", 7 * 4 * 8 * 100)

    assert whole.histories == 70 + 16 + 16 + 1
    assert check_parity(model, tmp_path, histories) == whole


@pytest.mark.parametrize("name", ["buy_again", "ease", "item_knn", "slist", "transitions"])
def test_sums_of_a_thousand_repeats_equal_those_of_the_model(name, tmp_path):
    # A script may view one item all day. Rounding errors of float32 sums of equal numbers have the same sign, so they
    # add up.
    data = interactions(random_sequences(users=40, items=30, length=10), items=30)
    model = dataclasses.replace(algorithms.known()[name], position_decay=1.0).fit(data)
    write_graphs(model, tmp_path)
    items, weights = np.arange(1, 31)[:, None], np.linspace(20, 90, 30, dtype=np.float32)[:, None]
    histories = Histories(items=np.tile(items, 1_000), weights=np.tile(weights, 1_000))

    assert check_parity(model, tmp_path, histories).largest_difference < 1e-6


def square_roots(model, graph, right=PopularityModel.export):
    return graph.op("Sqrt", right(model, graph))


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (square_roots, r"popularity: graph\.onnx differs from the model: item "),
        (lambda model, graph: graph.op("Sqroot", graph.history), "popularity: its graph fails: .*Sqroot"),
    ],
    ids=["wrong graph", "failed export"],
)
def test_export_error_names_its_algorithm(export, message, monkeypatch):
    data = interactions(random_sequences(users=10, items=8, length=5), items=8)
    model = algorithms.known()["popularity"].fit(data)
    monkeypatch.setattr(PopularityModel, "export", export)

    with pytest.raises(ParityError, match=message):
        parity.check_export(model, leave_one_out(data).test.queries)


def test_wrong_graph_fails_the_training_job(tmp_path, monkeypatch):
    tiny_shop(tmp_path / "input/data/dataset")
    config = tmp_path / "input/config/hyperparameters.json"
    config.parent.mkdir(parents=True)
    config.write_text('{"algorithms": "transitions"}')
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    right = ItemRowsModel.export
    monkeypatch.setattr(ItemRowsModel, "export", lambda model, graph: graph.op("Sqrt", right(model, graph)))

    status = train.main()

    assert status == 1
    failure = (tmp_path / "output/failure").read_text()
    assert failure.startswith("ParityError: transitions: graph.onnx differs from the model: item ")
    assert not (tmp_path / "model/manifest.json").exists()
