import base64
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from layers import build as command
from layers import smoke
from layers.build import build
from layers.contents import LAYERS, LayerError, files
from layers.target import LAMBDA_PYTHON, Target
from layers.verification import SIZE_LIMIT_BYTES, check_binaries, digest, size_bytes

MACHINES = {"aarch64": 183, "x86_64": 62}
LIBRARY = "orjson.cpython-313-{machine}-linux-gnu.so"
TAG = "cp313-cp313-manylinux_2_17_aarch64"


def library(path, *, machine="aarch64", tag=TAG):
    python = path / "python"
    (python / "orjson-3.dist-info").mkdir(parents=True)
    (python / LIBRARY.format(machine=machine)).write_bytes(
        b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", MACHINES[machine])
    )
    (python / "orjson-3.dist-info" / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {tag}\n")
    return path


@pytest.fixture
def filled(monkeypatch):
    def fill(layer, target, folder):
        library(folder, machine=target.wheel_machine, tag="py3-none-any")

    monkeypatch.setattr(command, "fill", fill)


def test_library_for_the_target_is_counted(tmp_path):
    assert check_binaries(library(tmp_path), Target("arm64")) == 1


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-manylinux2014_aarch64",
        "cp313-cp313-manylinux_2_28_aarch64",
        "cp39-abi3-manylinux_2_17_aarch64",
        "py3-none-any",
        "py39-none-any",
    ],
)
def test_wheel_that_lambda_can_load_is_accepted(tag, tmp_path):
    check_binaries(library(tmp_path, tag=tag), Target("arm64"))


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-manylinux_2_39_aarch64",
        "cp313-cp313-manylinux_2_17_x86_64",
        "cp312-cp312-manylinux_2_17_aarch64",
        "py314-none-any",
    ],
)
def test_wheel_that_lambda_cannot_load_is_refused(tag, tmp_path):
    folder = library(tmp_path, tag=tag)

    with pytest.raises(
        LayerError, match=rf"WHEEL has tags \['{tag}'\]; none fits Python 3.13 on aarch64-manylinux_2_28"
    ):
        check_binaries(folder, Target("arm64"))


def test_layer_of_the_other_processor_is_refused(tmp_path):
    with pytest.raises(LayerError, match=r"has ELF machine 183, expected 62 \(x86_64\)"):
        check_binaries(library(tmp_path), Target("x86_64"))


def test_layer_of_another_python_is_refused(tmp_path):
    with pytest.raises(LayerError, match=r"is for \.cpython-313-aarch64-linux-gnu\.so, expected cpython-312-aarch64"):
        check_binaries(library(tmp_path), Target("arm64", python=(3, 12)))


def test_size_is_the_sum_of_the_files(tmp_path):
    folder = library(tmp_path)

    assert size_bytes(folder) == sum(len(path.read_bytes()) for path in files(folder)) > 0


def test_digest_depends_on_names_modes_and_bytes(tmp_path):
    changes: list[Callable[[Path], Any]] = [
        lambda path: path.chmod(0o600),
        lambda path: path.rename(path.with_suffix(".pyd")),
        lambda path: path.write_bytes(b"other"),
    ]
    folder = library(tmp_path)
    digests = [digest(folder)]
    for change in changes:
        change(folder / "python" / LIBRARY.format(machine="aarch64"))
        digests.append(digest(folder))
        (folder / "python" / LIBRARY.format(machine="aarch64")).touch()

    assert len(set(digests)) == 1 + len(changes)


@pytest.mark.usefixtures("filled")
def test_build_replaces_the_previous_layer(tmp_path):
    (tmp_path / "core-arm64").mkdir()
    (tmp_path / "core-arm64" / "former").touch()

    folder = build(LAYERS["core"], Target("arm64"), tmp_path)

    assert [path.name for path in folder.iterdir()] == ["python"]
    assert [path.name for path in tmp_path.iterdir()] == ["core-arm64"]


def test_failed_build_keeps_the_previous_layer(tmp_path, monkeypatch):
    (tmp_path / "core-arm64").mkdir()
    (tmp_path / "core-arm64" / "former").touch()
    monkeypatch.setattr(command, "fill", lambda layer, target, folder: library(folder, machine="x86_64"))

    with pytest.raises(LayerError, match="has ELF machine 62"):
        build(LAYERS["core"], Target("arm64"), tmp_path)

    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "core-arm64",
        "core-arm64/former",
    ]


@pytest.mark.usefixtures("filled")
def test_command_builds_each_layer_and_prints_its_digest(tmp_path, capsys):
    status = command.main(["all", "--architecture", "all", "--output", str(tmp_path), "--no-smoke-test"])

    assert status == 0
    printed = capsys.readouterr().err
    for name in LAYERS:
        for architecture in ("arm64", "x86_64"):
            folder = tmp_path / f"{name}-{architecture}"
            assert f"{folder}  0.0 MiB  sha256 {digest(folder)[:16]}" in printed


@pytest.mark.usefixtures("filled")
def test_command_fails_above_the_limit_of_lambda(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "size_bytes", lambda folder: SIZE_LIMIT_BYTES if folder.name == "core-arm64" else 1)

    status = command.main(["core", "--output", str(tmp_path), "--no-smoke-test"])

    assert status == 1
    assert "error: 262,144,001 bytes unzipped are above Lambda's 262,144,000" in capsys.readouterr().err


def test_smoke_test_graph_equals_its_description():
    weights = numpy_helper.from_array(np.array([[0, 1], [2, 3]], np.float32), "w")
    row = [("x", TensorProto.FLOAT, [1, 2]), ("y", TensorProto.FLOAT, [1, 2])]
    x, y = (helper.make_tensor_value_info(*value) for value in row)
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "smoke", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    assert base64.b64decode(smoke.GRAPH) == model.SerializeToString()


def test_python_of_lambda_is_that_of_the_template():
    assert LAMBDA_PYTHON == (3, 13)


@pytest.mark.parametrize("name", LAYERS)
def test_requirements_have_hashes_and_no_host(name):
    lines = LAYERS[name].requirements[0].read_text().splitlines()

    pins = [line for line in lines if "==" in line]
    assert pins
    assert all(line.endswith("\\") for line in pins)
    assert not [line for line in lines if "://" in line or line.startswith(("--index", "-i "))]
