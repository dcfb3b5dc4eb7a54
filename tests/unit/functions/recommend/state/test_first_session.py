"""Initialisation of ONNX Runtime before the first model exists."""

from onnx import TensorProto, helper

from functions.recommend.state.onnx_sessions import FIRST_GRAPH, open_first_session


def test_first_session_graph_equals_its_definition_and_opens():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "nothing", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    assert model.SerializeToString() == FIRST_GRAPH.read_bytes()
    open_first_session()
