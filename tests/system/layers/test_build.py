"""Builds the real layers, for both processors, from the package cache or the registry."""

import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from layers import build as command
from layers import smoke
from layers.build import build, check_package_size, smoke_test
from layers.contents import LAYERS, LayerError, files
from layers.target import ARCHITECTURES, LAMBDA_PYTHON, Target, host_target
from layers.verification import SIZE_LIMIT_BYTES, check_binaries, digest, size_bytes

NAMES = tuple(LAYERS)


@pytest.fixture(scope="session")
def built() -> Iterator[dict[tuple[str, str], Path]]:
    """Every layer for every processor; gone afterwards, for pytest would keep 150 MB of each of its last runs."""
    with tempfile.TemporaryDirectory(prefix="alsolike-layers-") as scratch:
        yield {
            (name, architecture): build(LAYERS[name], Target(architecture), Path(scratch))
            for name in NAMES
            for architecture in ARCHITECTURES
        }


@pytest.fixture
def strange_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_second_build_in_another_folder_under_another_umask_has_the_same_bytes(
    built: dict[tuple[str, str], Path], name: str, architecture: str, strange_umask: None
) -> None:
    first = built[name, architecture]

    with tempfile.TemporaryDirectory(prefix="alsolike-elsewhere-") as scratch:
        second = build(LAYERS[name], Target(architecture), Path(scratch) / "deeper")

        assert second.parent != first.parent
        assert digest(second) == digest(first)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layer_tells_nothing_of_when_and_where_it_was_built(
    built: dict[tuple[str, str], Path], name: str, architecture: str
) -> None:
    folder = built[name, architecture]

    paths = list(folder.rglob("*"))

    assert {path.stat().st_mtime for path in paths} == {315_532_800}
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_file()} == {"0o644"}
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_dir()} == {"0o755"}
    assert not [path for path in paths if path.name in ("RECORD", "INSTALLER", ".lock", "__pycache__", "bin")]
    assert not [path for path in files(folder) if str(folder).encode() in path.read_bytes()]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_binaries_are_for_the_processor_and_for_lambdas_python(
    built: dict[tuple[str, str], Path], architecture: str
) -> None:
    libraries = {name: check_binaries(built[name, architecture], Target(architecture)) for name in NAMES}

    assert libraries["core"] == 1  # orjson
    assert libraries["onnx_runtime"] > 10
    assert libraries["sentences"] == 1
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]
    names = {path.name for path in files(built["onnx_runtime", architecture])}
    assert f"onnxruntime_pybind11_state.cpython-313-{machine}-linux-gnu.so" in names


def test_layer_of_the_other_processor_is_refused(built: dict[tuple[str, str], Path]) -> None:
    with pytest.raises(LayerError, match=r"has ELF machine 183, expected 62 \(x86_64\)"):
        check_binaries(built["core", "arm64"], Target("x86_64"))


def test_layer_of_another_python_is_refused(built: dict[tuple[str, str], Path]) -> None:
    with pytest.raises(LayerError, match=r"is for \.cpython-313-aarch64-linux-gnu\.so, expected cpython-312-aarch64"):
        check_binaries(built["core", "arm64"], Target("arm64", python=(3, 12)))


def test_wheel_of_another_platform_is_refused(built: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "layer"
    shutil.copytree(built["core", "arm64"], folder)
    (wheel,) = folder.glob("python/orjson-*.dist-info/WHEEL")
    wheel.write_text("Tag: cp313-cp313-manylinux_2_39_aarch64\n")

    with pytest.raises(
        LayerError, match=r"WHEEL has tags \['cp313-cp313-manylinux_2_39_aarch64'\]; none fits Python 3"
    ):
        check_binaries(folder, Target("arm64"))


def test_layers_hold_what_functions_import_and_not_what_lambda_has(built: dict[tuple[str, str], Path]) -> None:
    core = {path.name for path in (built["core", "arm64"] / "python").iterdir()}
    inference = {path.name for path in (built["onnx_runtime", "arm64"] / "python").iterdir()}

    assert {"alsolike", "aws_lambda_powertools", "orjson"} <= core
    assert not {"boto3", "botocore", "pydantic", "numpy"} & core
    assert {"onnxruntime", "numpy"} <= inference
    assert not {"google", "flatbuffers", "packaging"} & inference
    sentences = {
        path.name for path in (built["sentences", "arm64"] / "python").iterdir() if path.suffix != ".dist-info"
    }
    assert sentences == {"tokenizers"}  # no hub's client


def test_unused_runtime_library_is_gone_and_licences_stay(built: dict[tuple[str, str], Path]) -> None:
    folder = built["onnx_runtime", "arm64"] / "python"

    assert not list(folder.glob("onnxruntime/capi/libonnxruntime.so*"))
    assert (folder / "onnxruntime" / "capi" / "libonnxruntime_providers_shared.so").is_file()
    assert (folder / "numpy" / "typing").is_dir()
    assert list(folder.glob("numpy-*.dist-info/licenses/**/LICENSE*"))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_function_with_its_layers_fits_into_lambda(built: dict[tuple[str, str], Path], architecture: str) -> None:
    total = check_package_size([built[name, architecture] for name in NAMES])

    assert 60_000_000 < total < 100_000_000 < SIZE_LIMIT_BYTES


@pytest.mark.skipif(host_target() is None, reason="layers are for Linux")
def test_this_machines_build_runs_a_graph_with_nothing_but_the_layers() -> None:
    said = smoke_test([LAYERS[name] for name in NAMES])

    assert said[0] == "alsolike imported"
    assert said[1].startswith("onnxruntime 1.")
    assert said[2].startswith("tokenizers 0.")


@pytest.mark.skipif(host_target() is None, reason="layers are for Linux")
def test_layer_that_lacks_a_package_fails_the_smoke_test(tmp_path: Path) -> None:
    target = host_target()
    assert target is not None
    folder = build(LAYERS["onnx_runtime"], target, tmp_path)
    shutil.rmtree(folder / "python" / "numpy")

    with pytest.raises(LayerError, match=r"(?s)layer onnx_runtime does not work on this machine:.*numpy"):
        smoke.run("onnx_runtime", [folder])


def test_graph_of_the_smoke_test_is_the_one_it_says() -> None:
    weights = numpy_helper.from_array(np.array([[0, 1], [2, 3]], np.float32), "w")
    row = [("x", TensorProto.FLOAT, [1, 2]), ("y", TensorProto.FLOAT, [1, 2])]
    x, y = (helper.make_tensor_value_info(*value) for value in row)
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "smoke", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    assert base64.b64decode(smoke.GRAPH) == model.SerializeToString()


def test_failed_build_leaves_the_former_layer(
    built: dict[tuple[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = tmp_path / "core-arm64"
    shutil.copytree(built["core", "arm64"], former)
    before = digest(former)
    # Nothing is published for this Python.
    broken = Target("arm64", python=(3, 6))

    with pytest.raises(LayerError, match=r"(?s)layer core: .*requirements\.txt cannot be installed for Python 3\.6"):
        build(LAYERS["core"], broken, tmp_path)

    assert digest(former) == before
    assert [path.name for path in tmp_path.iterdir()] == ["core-arm64"]


def test_command_builds_and_says_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = command.main(["core", "--architecture", "x86_64", "--output", str(tmp_path), "--no-smoke-test"])

    assert status == 0
    assert (tmp_path / "core-x86_64" / "python" / "alsolike" / "bundle.py").is_file()
    assert f"{tmp_path / 'core-x86_64'}  " in capsys.readouterr().err


def test_command_fails_above_lambdas_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "size_bytes", lambda folder: SIZE_LIMIT_BYTES if folder.name == "core-arm64" else 1)

    status = command.main(["core", "--output", str(tmp_path), "--no-smoke-test"])

    assert status == 1
    assert "error: 262,144,001 bytes unzipped are above Lambda's 262,144,000" in capsys.readouterr().err


def test_lambdas_python_is_the_one_of_the_template() -> None:
    assert LAMBDA_PYTHON == (3, 13)


@pytest.mark.parametrize("name", NAMES)
def test_requirements_are_hashed_and_name_no_host(name: str) -> None:
    lines = LAYERS[name].requirements.read_text().splitlines()

    pins = [line for line in lines if "==" in line]
    assert pins
    assert all(line.endswith("\\") for line in pins)
    assert not [line for line in lines if "://" in line or line.startswith(("--index", "-i "))]


def test_sizes_are_those_of_the_files(built: dict[tuple[str, str], Path]) -> None:
    folder = built["core", "arm64"]

    assert size_bytes(folder) == sum(len(path.read_bytes()) for path in files(folder))
