"""Cache of cloud assemblies by a digest of their inputs, so that an unchanged environment is not synthesized again.

`python -m infra_cdk.assembly` prints the folder of the assembly. The module loads the CDK and Node only if the cache
has no current assembly.
"""

import argparse
import contextlib
import functools
import hashlib
import json
import os
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra_cdk.constructs.own_algorithms import package_folder
from infra_cdk.constructs.sentence_model import sentence_model_folder
from infra_cdk.context import load_settings
from infra_cdk.settings_checks import InvalidSettings

ROOT = Path(__file__).resolve().parents[1]
INPUTS = ("cdk.json", "functions", "infra_cdk", "layers/core", "model_export", "operations")
"""Files and folders of the repository that a synthesis reads."""
KEPT = 4
"""Default maximum number of assemblies in the cache. The least recently used assemblies are deleted first."""

_NOT_PASSED = ("AWS_", "CDK_")
_VARIABLES = ("JSII_",)
_WRITING = ".writing-"
_ABANDONED_S = 86_400


class InputsChanged(Exception):
    """Error if inputs change during a synthesis."""


def inputs_digest(
    *,
    environment: str | None,
    layers: Path,
    root: Path = ROOT,
    packages: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> str:
    """Return the digest of the inputs of an assembly.

    The digest covers `INPUTS`, the built layers, the folders in the settings, the installed distributions with their
    versions, Python's version, the environment's name, the overrides, and the variables of jsii. The digest may change
    without need, because an unnecessary synthesis costs only seconds, while an outdated assembly deploys outdated code.
    """
    context: Mapping[str, Any] = json.loads((root / "cdk.json").read_bytes())["context"]
    name = environment or context.get("environment", "")
    settings = load_settings(context.get("environments"), name, overrides)
    folders = {
        "layers": layers,
        "training package": package_folder(settings),
        "sentence model": sentence_model_folder(settings),
    }
    packages = packages or Path(sysconfig.get_paths()["purelib"])
    facts = [
        sys.version,
        name,
        json.dumps(overrides or {}),
        *sorted(path.name for path in packages.glob("*.dist-info")),
        *sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(_VARIABLES)),
        *(f"{kind} {_digest(_files(folder))}" for kind, folder in folders.items() if folder),
        _digest(_sources(root)),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def cached(cache: Path, *, digest: Callable[[], str], write: Callable[[Path], None], kept: int = KEPT) -> Path:
    """Return the folder of the assembly for the current inputs. A missing assembly is written.

    An assembly is written to a temporary folder and renamed, so that an interrupted synthesis is never used.
    """
    inputs = digest()
    entry = cache / inputs[:24]
    if entry.is_dir():
        entry.touch()
        return entry
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_WRITING, dir=cache) as scratch:
        written = Path(scratch) / "assembly"
        write(written)
        if digest() != inputs:
            raise InputsChanged("the sources changed during the synthesis; run the command again")
        if not entry.is_dir():  # another process may have written this assembly
            written.rename(entry)
    _prune(cache, kept)
    return entry


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra_cdk.assembly", description=__doc__)
    parser.add_argument("--environment", help="a name in cdk.json's context.environments")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the assemblies")
    parser.add_argument("--keep", type=int, default=KEPT, help="number of assemblies that stay in the cache")
    parser.add_argument(
        "--layers", type=Path, default=ROOT / "build" / "layers", help="folder of the layers that layers.build made"
    )
    parser.add_argument("--settings", type=json.loads, help="JSON object of settings that replace the environment's")
    options = parser.parse_args(arguments)
    if options.keep < 1:
        parser.error(f"argument --keep: {options.keep} is below 1, the assembly that the command returns")
    digest = functools.partial(
        inputs_digest, environment=options.environment, layers=options.layers, overrides=options.settings
    )

    def write(outdir: Path) -> None:
        # These variables configure the command lines of the CDK and AWS. The assembly must not depend on them.
        for name in [name for name in os.environ if name.startswith(_NOT_PASSED)]:
            del os.environ[name]
        from infra_cdk import app

        named = [] if options.environment is None else ["--environment", options.environment]
        changed = [] if options.settings is None else ["--settings", json.dumps(options.settings)]
        places = ["--outdir", str(outdir), "--layers", str(options.layers)]
        if status := app.main([*named, *changed, *places, "--skip-template-check"]):
            raise SystemExit(status)

    try:
        sys.stdout.write(f"{cached(options.cache, digest=digest, write=write, kept=options.keep)}\n")
    except (InvalidSettings, InputsChanged) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _prune(cache: Path, kept: int) -> None:
    """Delete all but the `kept` most recently used assemblies, and temporary folders older than a day.

    An assembly is renamed before its deletion, so that no process uses the rest of an interrupted deletion. Killed
    syntheses and interrupted deletions leave temporary folders.
    """
    last_used_s = {path: path.stat().st_mtime for path in cache.iterdir() if path.is_dir()}
    oldest_first = sorted(last_used_s, key=last_used_s.__getitem__)
    for path in [path for path in oldest_first if not path.name.startswith(_WRITING)][:-kept]:
        removed = cache / f"{_WRITING}{path.name}"
        with contextlib.suppress(OSError):  # Another process may delete the same assembly.
            path.rename(removed)
            shutil.rmtree(removed)
    for path in oldest_first:
        if path.name.startswith(_WRITING) and last_used_s[path] < time.time() - _ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)


def _digest(files: Iterable[tuple[Path, str]]) -> str:
    """Return the digest of the names, permissions, link targets and contents of `(path, name)` pairs."""
    digest = hashlib.sha256()
    for path, name in files:
        fact: list[object] = [name, path.lstat().st_mode]
        if path.is_symlink():
            fact.append(str(path.readlink()))
        if path.is_file():
            with path.open("rb") as file:
                fact.append(hashlib.file_digest(file, "sha256").hexdigest())
        digest.update(json.dumps(fact).encode())
    return digest.hexdigest()


def _sources(root: Path) -> Iterator[tuple[Path, str]]:
    for name in INPUTS:
        path = root / name
        if path.is_file():
            yield path, name
        for file, below in _files(path):
            if "__pycache__" not in file.parts:  # assets exclude compiled modules
                yield file, f"{name}/{below}"


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for directory, names, files in os.walk(folder):
        names.sort()
        links = [name for name in names if (Path(directory) / name).is_symlink()]
        for name in sorted([*files, *links]):
            path = Path(directory) / name
            yield path, path.relative_to(folder).as_posix()


if __name__ == "__main__":
    sys.exit(main())
