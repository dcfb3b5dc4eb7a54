import datetime as dt
import math

import onnx
import orjson
import pytest

from alsolike.runtime.errors import InvalidBundle
from model_export.imported import folder
from model_export.imported.folder import Activation, Example, open_folder
from tests.builders.scoring_graphs import scoring_graph, write_folder
from tests.builders.snippets import ROOT, snippets

ITEMS = ["lamp", "sofa", "desk"]


def opened(tmp_path, **fields):
    return open_folder(write_folder(tmp_path, scoring_graph(3), ITEMS, **fields))


def test_fields_of_the_document_are_read(tmp_path):
    example = {"history": ["lamp"], "scores": {"sofa": 0.5}}

    found = opened(tmp_path, half_life_days=30, activation="softplus", examples=[example])

    assert (found.name, found.item_ids, found.files) == ("inner products", ITEMS, ("graph.onnx", "model.json"))
    assert found.trained_until_ms == dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp() * 1_000
    assert (found.half_life_days, found.activation) == (30.0, Activation.SOFTPLUS)
    assert found.examples == [Example(["lamp"], {"sofa": 0.5})]


def test_documented_example_is_accepted(tmp_path):
    (text,) = (text for _, _, text in snippets(ROOT / "docs" / "models.md", "json") if "trained_until" in text)
    opened(tmp_path)
    (tmp_path / "model.json").write_text(text)

    assert open_folder(tmp_path).item_ids == ["SKU-1", "SKU-2", "SKU-3"]


def test_optional_fields_have_defaults(tmp_path):
    found = opened(tmp_path)

    assert (found.half_life_days, found.activation, found.examples) == (math.inf, None, [])


def test_checksum_changes_with_each_file(tmp_path):
    first = opened(tmp_path / "a")
    same = opened(tmp_path / "b")
    other_graph = open_folder(write_folder(tmp_path / "c", scoring_graph(3, seed=1), ITEMS))
    other_items = open_folder(write_folder(tmp_path / "d", scoring_graph(3), ITEMS[::-1]))

    assert first.sha256 == same.sha256
    assert len({first.sha256, other_graph.sha256, other_items.sha256}) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 2}, "model.json: format is 2, expected a whole number from 1 to 1"),
        ({"name": ""}, 'name is "", expected a non-empty string'),
        ({"name": "a\nb"}, "expected no control characters"),
        ({"items": []}, "items has 0 elements, expected 1 to 1000000"),
        ({"items": ["a", 2, "b"]}, "has at position 2 of items 2, expected an item ID, which is text"),
        ({"items": ["a", "b", "a"]}, "has item 'a' at the positions 1 and 3 of items"),
        ({"trained_until": "yesterday"}, "has trained_until 'yesterday', expected an ISO 8601 time"),
        ({"trained_until": 5}, "trained_until is 5, expected a non-empty string"),
        ({"half_life_days": 0}, "has half_life_days 0.0, expected a number above 0"),
        ({"half_life_days": True}, "half_life_days is true, expected a number"),
        ({"activation": "tanh"}, 'activation is "tanh", expected one of relu, softplus'),
        ({"examples": {}}, "examples is {}, expected a list"),
        ({"examples": [{"history": ["lamp"]}]}, "examples[0].scores is missing, expected an object"),
        ({"examples": [{"history": ["sun"], "scores": {"lamp": 1}}]}, "example 1 with 'sun', which is not in items"),
        (
            {"examples": [{"history": ["lamp"], "scores": {"sofa": "1"}}]},
            'examples[0].scores.sofa is "1", expected a number',
        ),
        ({"examples": [{"history": ["lamp"], "scores": {}}]}, "has example 1 without scores, expected at least one"),
        ({"examples": [{"history": ["lamp"], "scores": {"sofa": None}}]}, "has example 1 without scores"),
        ({"colour": "red"}, "colour is not a known field, expected format, name"),
    ],
)
def test_invalid_field_is_named_with_the_expectation(tmp_path, fields, message):
    with pytest.raises(InvalidBundle) as raised:
        opened(tmp_path, **fields)

    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["graph.onnx", "model.json"])
def test_missing_file_is_an_error(tmp_path, name):
    opened(tmp_path)
    (tmp_path / name).unlink()

    with pytest.raises(InvalidBundle, match=f"has no {name}, expected graph.onnx and model.json"):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.json", b"{", "the document is not valid JSON"),
        ("model.json", b"[]", r"the document is \[\], expected an object"),
        ("model.json", b"{}", "format is missing"),
        ("graph.onnx", b"\xff" * 50, r"graph.onnx is not an ONNX model"),
    ],
)
def test_unreadable_file_is_an_error(tmp_path, name, content, message):
    opened(tmp_path)
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InvalidBundle, match=message):
        open_folder(tmp_path)


def test_external_data_belongs_to_the_files(tmp_path):
    opened(tmp_path)
    onnx.save(
        scoring_graph(3), str(tmp_path / "graph.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0
    )

    assert open_folder(tmp_path).files == ("graph.onnx", "w.bin", "model.json")


@pytest.mark.parametrize("location", ["../w.bin", "/etc/hostname", "missing.bin", "model.json"])
def test_external_data_outside_of_the_folder_is_an_error(tmp_path, location):
    opened(tmp_path)
    proto = scoring_graph(3)
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    (tmp_path / "graph.onnx").write_bytes(proto.SerializeToString())

    with pytest.raises(InvalidBundle, match="expected a file in its folder"):
        open_folder(tmp_path)


def test_larger_files_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MAX_BYTES", 100)

    with pytest.raises(InvalidBundle, match="expected at most 0 MB: use fewer dimensions"):
        opened(tmp_path)


def test_written_document_is_read_again(tmp_path):
    opened(tmp_path)
    example = Example(["desk"], {"lamp": 0.25})
    (tmp_path / "model.json").write_bytes(
        folder.document_of(
            name="ease", item_ids=ITEMS, trained_until=dt.datetime(2026, 1, 2), half_life_days=7.0, examples=[example]
        )
    )

    found = open_folder(tmp_path)

    assert (found.name, found.item_ids, found.half_life_days, found.examples) == ("ease", ITEMS, 7.0, [example])
    assert orjson.loads((tmp_path / "model.json").read_bytes())["trained_until"] == "2026-01-02T00:00:00"
