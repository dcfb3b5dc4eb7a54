"""Small model bundles with a graph whose results can be computed by hand."""

import dataclasses
import io
import math
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import orjson
from onnx import TensorProto, helper, numpy_helper

from alsolike.bundle import bundle, files
from alsolike.bundle.action_model import ActionModel
from alsolike.bundle.graph_tables import write_tables_index
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.bundle.popular_groups import Group, PopularGroups
from alsolike.bundle.public_lists import PublicLists
from alsolike.bundle.related import KINDS, RelatedItems
from alsolike.bundle.reranker import Reranker, write_reranker
from alsolike.snapshot.content_index import UNSCALED, Scales
from alsolike.snapshot.sentences import SentenceModel
from model_export.data.item_content import content_index, item_content
from model_export.data.item_sentences import sentence_index
from tests.builders.lambda_events import NOW_MS
from tests.builders.related import related_table

ITEMS = ("pear", "plum", "fig", "kiwi")
METRICS = {
    "k": 10,
    "asked_users": 40,
    "candidates": [
        {"algorithm": "popularity", "ndcg": 0.10, "hr": 0.2, "coverage": 0.5, "popularity_ratio": 3.0},
        {"algorithm": "table", "ndcg": 0.25, "hr": 0.4, "coverage": 1.0, "popularity_ratio": 1.25},
    ],
    "dataset": {"interactions": 2_000, "users": 100},
    "against_champion": None,
    "new_data": None,
    "parity": {"histories": 64, "largest_difference": 1e-7},
}
MANIFEST = Manifest(
    version="v1",
    algorithm="table",
    items=len(ITEMS),
    history=HistoryParameters(length=3, half_life_days=math.inf, event_weights={"view": 1.0, "purchase": 5.0}),
    exclude_seen=False,
    dataset_id="v1",
    last_event_ms=NOW_MS,
    created_ms=NOW_MS,
    code_version="0.1.0",
    metrics=METRICS,
)


def write_bundle(
    directory: Path,
    *,
    manifest: Manifest = MANIFEST,
    item_ids: Sequence[str] = ITEMS,
    transitions: Mapping[tuple[str, str], float] | None = None,
    popular: Sequence[str] = ("fig", "pear", "kiwi"),
    properties: Mapping[str, Mapping[str, Any]] | None = None,
    scales: Scales = UNSCALED,
    rare: Sequence[str] = (),
    sentences: SentenceModel | None = None,
    groups: Sequence[Group] = (),
    related: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
    actions: ActionModel | None = None,
    reranker: Reranker | None = None,
    public: Mapping[str, Mapping[str, float]] | None = None,
) -> Manifest:
    """Write a bundle. An item's score is the sum, over the history, of weight times transition to the item.

    `related` has scores by kind, item and related item, best first, and `public` by item and target.
    """
    position = {item_id: index for index, item_id in enumerate(item_ids, start=1)}
    table = np.zeros((len(item_ids) + 1, len(item_ids) + 1), np.float32)
    for (source, target), value in (transitions or {}).items():
        table[position[source], position[target]] = value
    directory.mkdir(parents=True, exist_ok=True)
    (directory / files.GRAPH_FILE).write_bytes(small_graph(table, with_bias=False).SerializeToString())
    (directory / files.BIAS_GRAPH_FILE).write_bytes(small_graph(table, with_bias=True).SerializeToString())
    (directory / files.DATA_FILE).write_bytes(table.tobytes())
    write_tables_index(directory, {"table": (table, 0)})
    bundle.write_ids(directory, item_ids)
    PopularGroups(groups).write(directory / files.GROUPS_FILE)
    RelatedItems(
        {
            kind: related_table(
                [[(position[target], score) for target, score in rows.get(item_id, {}).items()] for item_id in item_ids]
            )
            for kind in KINDS
            for rows in [(related or {}).get(kind, {})]
        }
    ).write(directory / files.RELATED_FILE)
    (ActionModel.none() if actions is None else actions).write(directory / files.ACTIONS_FILE)
    write_reranker(reranker, directory / files.RERANKER_FILE)
    positions = np.array([position[item_id] for item_id in popular], np.int32)
    rows = [[(position[to], score) for to, score in (public or {}).get(item_id, {}).items()] for item_id in item_ids]
    PublicLists(related_table(rows, dtype=np.float32), positions, 0.5).write(directory / files.PUBLIC_FILE)
    columns = [(properties or {}).get(item_id, {}) for item_id in item_ids]
    bundle.write_meta(directory, columns)
    text_index = None if sentences is None else sentence_index(sentences, columns)
    index = content_index(item_ids, item_content(columns), scales=scales, rare_ids=rare, sentences=text_index)
    index.write(directory / files.CONTENT_FILE)
    bundle.write_popular(directory, positions)
    return bundle.write_manifest(directory, dataclasses.replace(manifest, items=len(item_ids)))


def filling_memory(graph: bytes, *, size_bytes: int, times: int = 1) -> bytes:
    """Return a graph with the results of `graph` that allocates `size_bytes` per requested item.

    Parameters
    ----------
    times
        Number of allocations, one after the other, which prolong a run.
    """
    nodes = [helper.make_node("Mul", ["k", "floats"], ["shape0"])]
    # Each shape depends on the previous allocation, because ONNX Runtime computes equal nodes once.
    for number in range(times):
        nodes += [
            helper.make_node("ConstantOfShape", [f"shape{number}"], [f"filled{number}"]),
            helper.make_node("ReduceMax", [f"filled{number}"], [f"nothing{number}"], keepdims=0),
            helper.make_node("Cast", [f"nothing{number}"], [f"zero{number}"], to=TensorProto.INT64),
            helper.make_node("Add", ["shape0", f"zero{number}"], [f"shape{number + 1}"]),
        ]
    nodes.append(helper.make_node("Add", ["scores_before", f"nothing{times - 1}"], ["scores"]))
    return _with_later_scores(graph, nodes, floats=np.array([size_bytes // 4], np.int64))


def failing(graph: bytes) -> bytes:
    """Return a model's graph that loads, but fails for histories with other items than the most frequent one."""
    nodes = [
        helper.make_node("Sub", ["history", "first"], ["others"]),
        helper.make_node("Gather", ["only", "others"], ["gathered"]),
        helper.make_node("ReduceMax", ["gathered"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["scores_before", "nothing"], ["scores"]),
    ]
    return _with_later_scores(graph, nodes, first=np.array(1, np.int64), only=np.zeros(1, np.float32))


def _with_later_scores(graph: bytes, nodes: Sequence[onnx.NodeProto], **constants: np.ndarray[Any, Any]) -> bytes:
    """Return a graph with additional nodes at its end, which convert `scores_before` to `scores`."""
    model = onnx.load_from_string(graph)
    (scoring,) = [node for node in model.graph.node if "scores" in node.output]
    scoring.output[list(scoring.output).index("scores")] = "scores_before"
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == "scores":
                node.input[place] = "scores_before"
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    model.graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def without_later_files(directory: Path) -> None:
    """Remove `LATER_FILES` from the bundle and its manifest, as in bundles of earlier releases."""
    document = orjson.loads((directory / files.MANIFEST_FILE).read_bytes())
    for name in files.LATER_FILES:
        del document["files"][name]
        (directory / name).unlink()
    (directory / files.MANIFEST_FILE).write_bytes(orjson.dumps(document))


def archive_of(directory: Path, *, prefix: str = "./") -> bytes:
    """Return the folder's files as the model.tar.gz of a training job."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(directory.iterdir()):
            tar.add(path, f"{prefix}{path.name}")
    return buffer.getvalue()


def upload_bundle(s3: Any, bucket: str, directory: Path, *, version: str) -> None:
    for path in directory.iterdir():
        s3.put_object(Bucket=bucket, Key=f"models/{version}/{path.name}", Body=path.read_bytes())


def small_graph(table: np.ndarray[Any, Any], *, with_bias: bool) -> onnx.ModelProto:
    """Return a graph that adds the weighted rows of `table`, applies the mask and returns the k best items.

    The table is in the external data file.
    """
    biased = [helper.make_node("Add", ["sums", "bias"], ["biased"])] if with_bias else []
    scores = "biased" if with_bias else "sums"
    bias = [helper.make_tensor_value_info("bias", TensorProto.FLOAT, [table.shape[0]])] if with_bias else []
    external = onnx.TensorProto(
        name="table", data_type=TensorProto.FLOAT, dims=table.shape, data_location=TensorProto.EXTERNAL
    )
    for key, value in {"location": files.DATA_FILE, "offset": "0", "length": str(table.nbytes)}.items():
        external.external_data.add(key=key, value=value)
    constants: dict[str, np.ndarray[Any, Any]] = {
        "last": np.array([2], np.int64),
        "second": np.array([1], np.int64),
        "ninf": np.array(-np.inf, np.float32),
        "zero": np.array(0, np.float32),
        "none": np.array(0, np.int64),
        "columns": np.array([table.shape[0]], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "history"], ["rows"]),
        helper.make_node("Unsqueeze", ["weights", "last"], ["w"]),
        helper.make_node("Mul", ["rows", "w"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "second"], ["sums"], keepdims=0),
        *biased,
        helper.make_node("Greater", ["sums", "zero"], ["pointed_to"]),
        helper.make_node("Where", ["pointed_to", scores, "ninf"], ["known"]),
        helper.make_node("ReduceMax", ["exclude", "second"], ["some"], keepdims=1),
        helper.make_node("Sub", ["some", "some"], ["padding"]),
        helper.make_node("Concat", ["exclude", "padding"], ["masked"], axis=1),
        helper.make_node("Shape", ["masked"], ["shape"]),
        helper.make_node("Expand", ["ninf", "shape"], ["ninfs"]),
        helper.make_node("ScatterElements", ["known", "masked", "ninfs"], ["allowed"], axis=1),
        helper.make_node("Min", ["k", "columns"], ["count"]),
        helper.make_node("TopK", ["allowed", "count"], ["scores", "best"], axis=1),
        helper.make_node("Equal", ["scores", "ninf"], ["ended"]),
        helper.make_node("Where", ["ended", "none", "best"], ["items"]),
    ]
    inputs = [
        helper.make_tensor_value_info("history", TensorProto.INT64, ["batch", "length"]),
        helper.make_tensor_value_info("weights", TensorProto.FLOAT, ["batch", "length"]),
        helper.make_tensor_value_info("exclude", TensorProto.INT64, ["batch", "excluded"]),
        helper.make_tensor_value_info("k", TensorProto.INT64, [1]),
        *bias,
    ]
    outputs = [
        helper.make_tensor_value_info("items", TensorProto.INT64, ["batch", "best"]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", "best"]),
    ]
    initializers = [external, *(numpy_helper.from_array(values, name) for name, values in constants.items())]
    graph = helper.make_graph(nodes, "table", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
