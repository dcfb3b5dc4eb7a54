"""Cloud assemblies that are synthesized once per content, for all suites and workers."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cli import boot

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "test-assemblies"
KEPT = 12
"""Assemblies that stay in the cache; the least recently used ones go first."""

_SOURCES = ("cdk.json", "functions", "infra_cdk", "layers", "model_export")
_TOOLS = ("aws-cdk-lib", "cdk-nag", "constructs")
_TIMEOUT_S = 1_200


def synthesized(**settings: Any) -> Path:
    """Return the assembly of the demo environment with other settings."""
    folders = {name: Path(value) for name, value in settings.items() if isinstance(value, str) and Path(value).is_dir()}
    values = {name: value for name, value in settings.items() if name not in folders}

    def write(directory: Path) -> None:
        build_layers()
        _run("-m", "tests.booted.assemblies", str(directory), json.dumps(settings))

    return cached(
        json.dumps([values, sorted(folders)]),
        [*(ROOT / name for name in _SOURCES), *folders.values()],
        write,
    )


def build_layers() -> None:
    """Build the layers, unless another process is doing so; these then stay as they are."""
    with _locked("layers"):
        boot.build_layers()


def cached(name: str, sources: Sequence[Path], write: Callable[[Path], None]) -> Path:
    """Return the folder that `write` fills from files and folders, unless it is there already.

    Parameters
    ----------
    name
        Tells folders apart that are written from the same sources.
    """
    directory = CACHE / _digest(name, sources)
    with _locked(directory.name):
        if not directory.is_dir():
            unfinished = directory.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            write(unfinished)
            unfinished.rename(directory)
            _prune()
        directory.touch()
    return directory


def _digest(name: str, sources: Sequence[Path]) -> str:
    digest = hashlib.sha256(json.dumps([name, *map(version, _TOOLS)]).encode())
    for source in sources:
        for path in [source] if source.is_file() else sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"\0{path.relative_to(source)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:24]


def _prune() -> None:
    found = sorted((path for path in CACHE.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]


def _synthesize(directory: Path, settings: Mapping[str, Any]) -> None:
    from infra_cdk.app import create_app, read_context  # starts Node, which the tests need not

    context = read_context()
    context["environments"]["demo"] |= settings
    # `make test` validates the templates against CloudFormation's schema.
    create_app(context, environment="demo", outdir=directory, check_templates=False).synth()


if __name__ == "__main__":
    _synthesize(Path(sys.argv[1]), json.loads(sys.argv[2]))
