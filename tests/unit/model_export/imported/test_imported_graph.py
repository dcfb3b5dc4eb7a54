import dataclasses
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from alsolike.runtime.errors import InvalidBundle, InvalidInput
from model_export.data.interactions import Histories
from model_export.export.parity import check_parity
from model_export.export.writer import write_graphs
from model_export.imported.algorithm import Imported, model_of
from model_export.imported.checks import check_folder
from model_export.imported.folder import open_folder
from model_export.imported.scoring import ScoringGraph
from tests.builders.scoring_graphs import expected_scores, scoring_graph, write_folder
from tests.builders.snippets import ROOT, snippets
from tests.unit.model_export.shops import interactions

ITEMS = [f"i{number}" for number in range(1, 13)]


def histories(*rows, weights=None):
    length = max(map(len, rows))
    items = np.array([[0] * (length - len(row)) + list(row) for row in rows], np.int64)
    return Histories(items=items, weights=np.ones(items.shape, np.float32) if weights is None else weights)


def with_ids(found, item_ids):
    return dataclasses.replace(found, item_ids=np.array(["", *item_ids], object))


@pytest.fixture
def checked(tmp_path):
    def check(model, given):
        directory = tmp_path / "graphs"
        directory.mkdir()
        write_graphs(model, directory)
        return check_parity(model, directory, given)

    return check


def fitted(tmp_path, proto, item_ids=ITEMS, shop_ids=("i3", "i1", "new", "i2"), **fields):
    """Return the model of a graph that lacks item `new` of the shop, unless `item_ids` has it."""
    folder = open_folder(write_folder(tmp_path, proto, item_ids, **fields))
    learned = with_ids(interactions([[1, 2], [3, 4]], items=len(shop_ids)), shop_ids)
    return Imported.of(folder).fit(learned)


def test_scores_are_in_the_order_of_the_shop(tmp_path):
    proto = scoring_graph(12)
    model = fitted(tmp_path, proto)

    scores = model.score(histories([1, 4]))[0]

    expected = expected_scores(proto, [3, 2])  # the graph's positions of i3 and i2
    assert scores.tolist() == pytest.approx([0, expected[3], expected[1], 0, expected[2]])


def test_unknown_items_of_a_history_are_ignored(tmp_path):
    model = fitted(tmp_path, scoring_graph(12))

    with_stranger, without = model.score(histories([1, 3, 4], [1, 4]))

    assert with_stranger.tolist() == without.tolist()


def test_history_of_unknown_items_has_no_scores(tmp_path):
    assert not fitted(tmp_path, scoring_graph(12)).score(histories([3])).any()


def test_items_without_interactions_are_unknown(tmp_path):
    folder = open_folder(write_folder(tmp_path, scoring_graph(12), ITEMS))
    learned = with_ids(interactions([[1, 2], [2, 1]], items=3), ["i1", "i2", "i3"])

    scores = Imported.of(folder).fit(learned).score(histories([1]))[0]

    assert (scores > 0).tolist() == [False, True, True, False]


def test_fit_needs_item_ids(tmp_path):
    folder = open_folder(write_folder(tmp_path, scoring_graph(12), ITEMS))

    with pytest.raises(InvalidInput, match="needs interactions with item IDs"):
        Imported.of(folder).fit(interactions([[1, 2]], items=2))


@pytest.mark.parametrize(
    ("length", "activation", "opset"),
    [
        ("length", None, 17), (1, "relu", 17), (3, "softplus", 17), (40, None, 17), ("length", "softplus", 13),
        ("length", "relu", 18),
    ],
)  # fmt: skip
def test_served_graphs_rank_like_the_imported_graph(tmp_path, checked, length, activation, opset):
    proto = scoring_graph(12, length=length, opset=opset)
    model = fitted(tmp_path / "folder", proto, activation=activation)

    found = checked(model, histories([1], [4, 1, 2], [3, 2], [2, 3, 1, 4, 1]))

    assert found.largest_difference < 1e-6


def test_fixed_length_keeps_the_latest_interactions(tmp_path):
    proto = scoring_graph(12, length=2)

    scores = model_of(open_folder(write_folder(tmp_path, proto, ITEMS))).score(histories([7, 3, 5]))[0]

    assert scores[1:].tolist() == pytest.approx(expected_scores(proto, [3, 5])[1:].tolist(), rel=1e-5)


def test_weights_reach_the_graph(tmp_path, checked):
    proto = scoring_graph(12)
    graph = proto.graph
    graph.input.append(helper.make_tensor_value_info("weights", TensorProto.FLOAT, ["batch", "length"]))
    graph.initializer.append(numpy_helper.from_array(np.array([2]), "two"))
    graph.node[0].output[0] = "raw"
    graph.node.insert(1, helper.make_node("Unsqueeze", ["weights", "two"], ["wide"]))
    graph.node.insert(2, helper.make_node("Mul", ["raw", "wide"], ["gathered"]))
    model = fitted(tmp_path / "folder", proto)
    weighted = histories([1, 4], weights=np.array([[0.0, 2.0]], np.float32))

    scores = model.score(weighted)[0]

    assert scores[1] == pytest.approx(2 * expected_scores(scoring_graph(12), [2])[3])
    checked(model, weighted)


def test_function_of_a_graph_is_inlined(tmp_path, checked):
    proto = scoring_graph(12, last=lambda sums: [helper.make_node("Twice", [sums], ["changed"], domain="own")])
    body = [helper.make_node("Add", ["x", "x"], ["y"])]
    proto.functions.append(helper.make_function("own", "Twice", ["x"], ["y"], body, [helper.make_opsetid("", 17)]))
    proto.opset_import.append(helper.make_opsetid("own", 1))
    model = fitted(tmp_path / "folder", proto)

    checked(model, histories([1, 2], [4]))
    assert model.score(histories([1]))[0, 1] == pytest.approx(2 * expected_scores(scoring_graph(12), [3])[3])


def changed(proto, change):
    change(proto)
    return proto


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (scoring_graph(12, names=("item_seq", "scores")), "has the inputs item_seq, expected history"),
        (scoring_graph(12, names=("history", "logits")), "has the outputs logits, expected scores"),
        (
            scoring_graph(12, history=TensorProto.INT32),
            r"has %history\[INT32, batchxlength\], expected %history\[INT64, batchxlength\]",
        ),
        (scoring_graph(12, batch=1), r"has %history\[INT64, 1xlength\], expected .* for any batch size"),
        (scoring_graph(12, length=0), r"has %history\[INT64, batchx0\], expected %history\[INT64, batchxlength\]"),
        (scoring_graph(12, length=-1), r"has %history\[INT64, batchx-1\], expected %history\[INT64, batchxlength\]"),
        (scoring_graph(11), r"has %scores\[FLOAT, batchx12\], expected %scores\[FLOAT, batchx13\]"),
        (scoring_graph(12, opset=21), "has opset 21, expected at most 18: export it with opset_version=18"),
        (
            scoring_graph(
                12, last=lambda sums: [helper.make_node("Gelu", [sums], ["changed"], domain="com.microsoft")]
            ),
            "has operators of com.microsoft, expected only those of ONNX",
        ),
        (
            changed(scoring_graph(12), lambda proto: proto.graph.input[0].type.tensor_type.shape.dim.add()),
            r"has %history\[INT64, batchxlengthx\?\], expected",
        ),
        (changed(scoring_graph(12), lambda proto: proto.graph.node.pop(0)), "is not a valid ONNX model"),
    ],
)
def test_other_interface_is_an_error(tmp_path, proto, message):
    if "com.microsoft" in message:
        proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(proto, str(tmp_path / "graph.onnx"))

    with pytest.raises(InvalidBundle, match=message):
        ScoringGraph(str(tmp_path / "graph.onnx"), items=12)


def test_undeclared_columns_are_checked_in_a_run(tmp_path):
    with pytest.raises(InvalidBundle, match=r"returns scores \(16, 14\), expected \(16, 13\)"):
        check_folder(write_folder(tmp_path, scoring_graph(13, columns="columns"), ITEMS))


def test_graph_that_fails_in_a_run_is_an_error(tmp_path):
    proto = scoring_graph(12)
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((5, 8), np.float32), "vectors"))

    with pytest.raises(InvalidBundle, match="does not run for a history"):
        check_folder(write_folder(tmp_path, proto, ITEMS))


def test_sound_graph_passes_with_examples(tmp_path):
    proto = scoring_graph(12)
    scores = expected_scores(proto, [2, 5])
    example = {"history": ["i2", "i5"], "scores": {"i1": float(scores[1]), "i9": float(scores[9])}}

    assert check_folder(write_folder(tmp_path, proto, ITEMS, examples=[example])).name == "inner products"


def test_different_example_is_an_error(tmp_path):
    example = {"history": ["i2", "i5"], "scores": {"i9": 123.0}}

    with pytest.raises(InvalidBundle, match=r"for item 'i9' after i2, i5, expected 123 as in example 1 of model.json"):
        check_folder(write_folder(tmp_path, scoring_graph(12), ITEMS, examples=[example]))


def ending(*nodes):
    """Return a function that creates these last nodes of a graph, which change `sums` to `changed`."""
    return lambda sums: [helper.make_node(op, inputs, outputs, **more) for op, inputs, outputs, more in nodes]


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (
            ending(("Neg", ["sums"], ["changed"], {})),
            'expected at least 0. Set "activation" in model.json to "softplus"',
        ),
        (ending(("Sub", ["sums", "sums"], ["changed"], {})), "returns no score above 0 for 16 random histories"),
        (ending(("Sub", ["sums", "sums"], ["zero"], {}), ("Log", ["zero"], ["changed"], {})), "expected finite scores"),
        (
            ending(("RandomUniformLike", ["sums"], ["noise"], {}), ("Add", ["sums", "noise"], ["changed"], {})),
            "other scores in a second run: export it in inference mode",
        ),
        (
            ending(("ReduceMean", ["sums"], ["mean"], {"axes": [0]}), ("Add", ["sums", "mean"], ["changed"], {})),
            "other scores for a history in a batch than alone",
        ),
        (
            ending(
                ("Shape", ["history"], ["shape"], {"start": 1}),
                ("Cast", ["shape"], ["length"], {"to": TensorProto.FLOAT}),
                ("Add", ["sums", "length"], ["changed"], {}),
            ),
            "other scores after more zeros at the left end: mask the padding",
        ),
    ],
)
def test_unsound_behaviour_is_an_error(tmp_path, last, message):
    with pytest.raises(InvalidBundle) as raised:
        check_folder(write_folder(tmp_path, scoring_graph(12, last=last), ITEMS))

    assert message in str(raised.value)


def test_softplus_keeps_the_order_of_negative_scores(tmp_path):
    negative = scoring_graph(12, last=lambda sums: [helper.make_node("Neg", [sums], ["changed"])])
    folder = check_folder(write_folder(tmp_path, negative, ITEMS, activation="softplus"))

    scores = model_of(folder).score(histories([4]))[0, 1:]

    assert (scores > 0).all()
    assert np.argsort(scores).tolist() == np.argsort(-expected_scores(scoring_graph(12), [4])[1:]).tolist()


def test_documented_torch_example_is_served_like_its_module(tmp_path, checked, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    ((_, _, text),) = snippets(ROOT / "docs" / "models.md", "python")
    torch.manual_seed(0)
    namespace: dict[str, Any] = {}

    exec(text, namespace)

    model = model_of(check_folder(tmp_path / "bundle"))
    checked(model, histories([1], [3, 1, 2]))
    expected = np.logaddexp(0, namespace["scores"][1:])
    assert model.score(histories([1, 2]))[0, 1:] == pytest.approx(expected, rel=1e-4)
