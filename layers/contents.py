"""Content of a layer's folder: wheels for the target, without unused files, with reproducible bytes."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uv

from layers.target import Target

ROOT = Path(__file__).parents[1]
# 1980-01-01 UTC, the earliest time that a zip archive can contain.
_MTIME_S = 315_532_800

# Files removed from every layer: unused files, and files that differ between runs or machines of the installer.
_LEFTOVERS = (
    "bin", ".lock", "**/__pycache__", "**/tests", "**/*.pyi",
    "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED", "*.dist-info/direct_url.json",
    "*.dist-info/uv_*.json",
)  # fmt: skip


class LayerError(Exception):
    """A layer cannot be built or is invalid."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Definition of a layer.

    Attributes
    ----------
    name
        Name of the layer. If there is a folder `layers/<name>/python/`, its content becomes part of the layer.
    unused
        Patterns of installed files that no function imports.
    lists
        Paths of pinned, hashed requirements files, relative to the repository. If empty, the file is
        `layers/<name>/requirements.txt`.
    """

    name: str
    unused: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def directory(self) -> Path:
        return ROOT / "layers" / self.name

    @property
    def requirements(self) -> tuple[Path, ...]:
        return tuple(ROOT / path for path in self.lists) or (self.directory / "requirements.txt",)


LAYERS = {
    layer.name: layer
    for layer in (
        Layer("core"),
        Layer(
            "onnx_runtime",
            unused=(
                # Only C++ programs need this library. Python's extension module contains the runtime itself.
                "onnxruntime/capi/libonnxruntime.so.*",
                "onnxruntime/backend",
                "onnxruntime/datasets",
                "onnxruntime/quantization",
                "onnxruntime/tools",
                "onnxruntime/transformers",
                "numpy/_core/include",
                "numpy/_core/lib",
                "numpy/_pyinstaller",
                "numpy/f2py",
                "numpy/random/lib",
            ),
        ),
        Layer("sentences", unused=("tokenizers/tools",)),
    )
}


TRAINING = Layer("training", lists=("model_export/requirements.txt", "model_export/sentences.txt"))
"""Packages of a training job without a network. They are built like a layer, but no function has this layer."""


def fill(layer: Layer, target: Target, folder: Path) -> None:
    """Build a layer in the empty `folder`. Every build on any machine gives the same bytes, names, modes and file
    times.
    """
    python = folder / "python"
    _install(layer, target, python)
    own = layer.directory / "python"
    if own.is_dir():
        copy_code(own, python)
    for pattern in (*_LEFTOVERS, *layer.unused):
        for path in sorted(python.glob(pattern)):
            _remove(path)
    fix(folder)


def copy_code(source: Path, destination: Path) -> None:
    shutil.copytree(source, destination, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


@contextlib.contextmanager
def replacement(destination: Path) -> Iterator[Path]:
    """Yield a new folder. It replaces `destination` after the `with` block, unless the block raises an error."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=destination.parent) as scratch:
        folder = Path(scratch) / "new"
        folder.mkdir()
        yield folder
        if destination.exists():
            shutil.rmtree(destination)
        folder.rename(destination)


def files(folder: Path) -> Iterator[Path]:
    yield from sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.as_posix())


def _install(layer: Layer, target: Target, python: Path) -> None:
    command = [
        uv.find_uv_bin(), "pip", "install", "--quiet",
        "--require-hashes", "--no-deps", "--only-binary", ":all:",
        "--python-platform", target.platform, "--python-version", target.python_version,
        # A hard link would share mode and time with the file in uv's cache.
        "--link-mode", "copy", "--target", str(python),
    ]  # fmt: skip
    for path in layer.requirements:
        command += ["--requirements", str(path)]
    environment = os.environ | {"UV_PYTHON": sys.executable}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if result.returncode:
        raise LayerError(
            f"layer {layer.name}: {', '.join(map(str, layer.requirements))} cannot be installed for Python"
            f" {target.python_version} on {target.platform}:\n{result.stderr.strip()}"
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def fix(folder: Path) -> None:
    """Set fixed modes and times of a folder and its content."""
    paths = sorted(folder.rglob("*"), key=lambda path: len(path.parts), reverse=True)
    for path in (*paths, folder):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_MTIME_S, _MTIME_S))
