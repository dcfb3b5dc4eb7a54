"""Layers for both processors and wheels for Glue: equal repeated builds, sizes and smoke tests."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from layers import smoke
from layers.build import build, check_package_size
from layers.contents import LAYERS, LayerError
from layers.glue import build_wheels
from layers.target import ARCHITECTURES, Target, host_target
from layers.verification import SIZE_LIMIT_BYTES, check_binaries, digest

NAMES = tuple(LAYERS)


@pytest.fixture(scope="module")
def built():
    with tempfile.TemporaryDirectory(prefix="alsolike-layers-") as scratch:
        yield {
            (name, architecture): build(LAYERS[name], Target(architecture), Path(scratch))
            for name in NAMES
            for architecture in ARCHITECTURES
        }


@pytest.fixture
def other_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_second_build_elsewhere_has_the_same_bytes(built, name, architecture, other_umask):
    first = built[name, architecture]

    with tempfile.TemporaryDirectory(prefix="alsolike-elsewhere-") as scratch:
        second = build(LAYERS[name], Target(architecture), Path(scratch) / "deeper")

        assert second.parent != first.parent
        assert digest(second) == digest(first)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_function_with_its_layers_is_within_the_lambda_size_limit(built, architecture):
    folders = [built[name, architecture] for name in NAMES]

    assert sum(check_binaries(folder, Target(architecture)) for folder in folders) > 12
    assert 60_000_000 < check_package_size(folders) < 100_000_000 < SIZE_LIMIT_BYTES


@pytest.mark.skipif(host_target() is None, reason="layers are for Linux")
def test_layer_without_a_package_fails_the_smoke_test(tmp_path):
    target = host_target()
    assert target is not None
    folder = build(LAYERS["onnx_runtime"], target, tmp_path)
    shutil.rmtree(folder / "python" / "numpy")

    with pytest.raises(LayerError, match=r"(?s)layer onnx_runtime does not work on this machine:.*numpy"):
        smoke.run("onnx_runtime", [folder])


def test_glue_archive_installs_the_core_layer_without_an_index(tmp_path):
    archive = build_wheels(tmp_path / "built")

    assert build_wheels(tmp_path / "again").read_bytes() == archive.read_bytes()
    ZipFile(archive).extractall(tmp_path)
    command = [
        *(
            sys.executable,
            "-m",
            "pip",
            "--isolated",
            "install",
            "--dry-run",
            "--ignore-installed",
            "--require-hashes",
            "--no-index",
        ),
        *("--only-binary", ":all:", "--python-version", "3.11", "--platform", "manylinux_2_17_x86_64"),
        *("--find-links", "wheels", "--target", "unused", "--requirement", "wheels/requirements.txt"),
    ]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert " orjson-" in output
    assert " aws_lambda_powertools-" in output
