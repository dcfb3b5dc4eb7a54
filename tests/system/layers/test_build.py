"""Layers as deployed, built for one processor."""

import shutil
import tempfile
from pathlib import Path

import pytest

from layers import build as command
from layers.build import build, check_package_size, smoke_test
from layers.contents import LAYERS, LayerError, files
from layers.target import Target, host_target
from layers.verification import SIZE_LIMIT_BYTES, check_binaries, digest

NAMES = tuple(LAYERS)
TARGET = Target("arm64")


@pytest.fixture(scope="session")
def built():
    """Build every layer, and remove the layers after the tests. pytest would keep 75 MB for each of its last runs."""
    with tempfile.TemporaryDirectory(prefix="alsolike-layers-") as scratch:
        yield {name: build(LAYERS[name], TARGET, Path(scratch)) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_layer_contains_no_build_time_or_path(built, name):
    folder = built[name]

    paths = list(folder.rglob("*"))

    assert {path.stat().st_mtime for path in paths} == {315_532_800}
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_file()} == {"0o644"}
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_dir()} == {"0o755"}
    assert not [path for path in paths if path.name in ("RECORD", "INSTALLER", ".lock", "__pycache__", "bin")]
    assert not [path for path in files(folder) if str(folder).encode() in path.read_bytes()]


def test_binaries_are_for_the_architecture_and_python_of_lambda(built):
    libraries = {name: check_binaries(built[name], TARGET) for name in NAMES}

    assert libraries["core"] == 1  # orjson
    assert libraries["onnx_runtime"] > 10
    assert libraries["sentences"] == 1
    names = {path.name for path in files(built["onnx_runtime"])}
    assert "onnxruntime_pybind11_state.cpython-313-aarch64-linux-gnu.so" in names


def test_layers_contain_imported_packages_and_none_of_lambda(built):
    core = {path.name for path in (built["core"] / "python").iterdir()}
    inference = {path.name for path in (built["onnx_runtime"] / "python").iterdir()}

    assert {"alsolike", "aws_lambda_powertools", "orjson"} <= core
    assert not {"boto3", "botocore", "pydantic", "numpy"} & core
    assert {"onnxruntime", "numpy"} <= inference
    assert not {"google", "flatbuffers", "packaging"} & inference
    sentences = {path.name for path in (built["sentences"] / "python").iterdir() if path.suffix != ".dist-info"}
    assert sentences == {"tokenizers"}  # no client of a model hub


def test_unused_runtime_library_is_removed_and_licences_are_kept(built):
    folder = built["onnx_runtime"] / "python"

    assert not list(folder.glob("onnxruntime/capi/libonnxruntime.so*"))
    assert (folder / "onnxruntime" / "capi" / "libonnxruntime_providers_shared.so").is_file()
    assert (folder / "numpy" / "typing").is_dir()
    assert list(folder.glob("numpy-*.dist-info/licenses/**/LICENSE*"))


def test_function_with_its_layers_is_within_the_lambda_size_limit(built):
    total = check_package_size([built[name] for name in NAMES])

    assert 60_000_000 < total < 100_000_000 < SIZE_LIMIT_BYTES


@pytest.mark.skipif(host_target() is None, reason="layers are for Linux")
def test_local_build_runs_a_graph_with_only_the_layers():
    output = smoke_test([LAYERS[name] for name in NAMES])

    assert output[0] == "alsolike imported"
    assert output[1].startswith("onnxruntime 1.")
    assert output[2].startswith("tokenizers 0.")


def test_failed_build_keeps_the_previous_layer(built, tmp_path, monkeypatch):
    former = tmp_path / "core-arm64"
    shutil.copytree(built["core"], former)
    before = digest(former)
    # No package is published for this Python.
    broken = Target("arm64", python=(3, 6))

    with pytest.raises(LayerError, match=r"(?s)layer core: .*requirements\.txt cannot be installed for Python 3\.6"):
        build(LAYERS["core"], broken, tmp_path)

    assert digest(former) == before
    assert [path.name for path in tmp_path.iterdir()] == ["core-arm64"]


def test_command_builds_the_layer_and_prints_its_path(tmp_path, capsys):
    status = command.main(["core", "--architecture", "x86_64", "--output", str(tmp_path), "--no-smoke-test"])

    assert status == 0
    assert (tmp_path / "core-x86_64" / "python" / "alsolike" / "bundle" / "bundle.py").is_file()
    assert f"{tmp_path / 'core-x86_64'}  " in capsys.readouterr().err
