"""Cached writer of the cloud assembly of an environment: an assembly whose inputs are unchanged is reused.

The CDK and its Node process are loaded only where something has changed.
"""

import argparse
import functools
import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra_cdk.constructs.own_algorithms import package_folder
from infra_cdk.constructs.sentence_model import sentence_model_folder
from infra_cdk.context import load_settings
from infra_cdk.settings_checks import InvalidSettings

ROOT = Path(__file__).resolve().parents[1]
STAMP = "inputs.sha256"
_NO_INPUTS = frozenset({"build", "cdk.out", "dist", "docs", "node_modules", "tests", "web"})
"""Top-level folders of the repository without inputs; nor are there any in those whose names begin with a dot."""
_VARIABLES = ("AWS_", "CDK_", "JSII_")


def is_current(outdir: Path, inputs: str) -> bool:
    """Return whether an assembly was written from `inputs` and has not changed since."""
    stamp = outdir / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _stamp(outdir, inputs)


def mark(outdir: Path, inputs: str) -> None:
    """Record in an assembly which inputs it was written from."""
    (outdir / STAMP).write_text(_stamp(outdir, inputs), encoding="utf-8")


def inputs_digest(
    *,
    environment: str | None,
    layers: Path,
    outdir: Path | None = None,
    root: Path = ROOT,
    packages: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> str:
    """Return the digest of everything that an assembly depends on.

    That is every file of the repository outside `_NO_INPUTS`, the built layers, the folders that the settings name, the
    installed distributions with their versions, Python, the environment's name, and the variables that the CDK reads.
    Some of these make no difference: an unnecessary synthesis costs seconds, an outdated assembly deploys other code.

    Parameters
    ----------
    outdir
        Where the assembly goes, which is no input if it is in the repository.
    packages
        Where the distributions are installed; by default those of this Python.
    overrides
        Settings that replace those of the environment.

    Raises
    ------
    InvalidSettings
        If the environment's settings cannot be used.
    """
    context: Mapping[str, Any] = json.loads((root / "cdk.json").read_bytes())["context"]
    settings = load_settings(context.get("environments"), environment or context.get("environment", ""), overrides)
    folders = (layers, package_folder(settings), sentence_model_folder(settings))
    packages = packages or Path(sysconfig.get_paths()["purelib"])
    facts = [
        sys.version,
        str(environment),
        json.dumps(overrides),
        *sorted(path.name for path in packages.glob("*.dist-info")),
        *sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(_VARIABLES)),
        *(f"{folder} {_digest(_files(folder))}" for folder in folders if folder),
        _digest(_sources(root, outdir)),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the assembly or leave it as it is; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra_cdk.assembly", description=__doc__)
    parser.add_argument("--environment", help="a name in cdk.json's context.environments")
    parser.add_argument("--outdir", type=Path, required=True, help="folder of the assembly")
    parser.add_argument(
        "--layers", type=Path, default=ROOT / "build" / "layers", help="folder of the layers that layers.build made"
    )
    parser.add_argument("--settings", type=json.loads, help="JSON object of settings that replace the environment's")
    options = parser.parse_args(arguments)
    digest = functools.partial(
        inputs_digest,
        environment=options.environment,
        layers=options.layers,
        outdir=options.outdir,
        overrides=options.settings,
    )
    try:
        inputs = digest()
    except InvalidSettings as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if is_current(options.outdir, inputs):
        return 0
    from infra_cdk import app

    (options.outdir / STAMP).unlink(missing_ok=True)
    named = [] if options.environment is None else ["--environment", options.environment]
    changed = [] if options.settings is None else ["--settings", json.dumps(options.settings)]
    places = ["--outdir", str(options.outdir), "--layers", str(options.layers)]
    status = app.main([*named, *changed, *places, "--skip-template-check"])
    # Inputs that changed meanwhile may or may not be in the assembly.
    if status == 0 and inputs == digest():
        mark(options.outdir, inputs)
    return status


def _stamp(outdir: Path, inputs: str) -> str:
    return f"{inputs} {_digest(path for path in _files(outdir) if path[1] != STAMP)}\n"


def _digest(files: Iterable[tuple[Path, str]]) -> str:
    """Return the digest of files, each with the name that counts: names, permissions, link targets and contents."""
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


def _sources(root: Path, outdir: Path | None) -> Iterator[tuple[Path, str]]:
    for path in sorted(root.iterdir()):
        if path.is_file():
            yield path, path.name
        elif not path.name.startswith(".") and path.name not in _NO_INPUTS:
            for file, name in _files(path):
                # Compiled modules are in no asset, nor is an earlier assembly.
                if "__pycache__" not in file.parts and (outdir is None or outdir.resolve() not in file.parents):
                    yield file, f"{path.name}/{name}"


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for directory, names, files in os.walk(folder):
        names.sort()
        links = [name for name in names if (Path(directory) / name).is_symlink()]
        for name in sorted([*files, *links]):
            path = Path(directory) / name
            yield path, path.relative_to(folder).as_posix()


if __name__ == "__main__":
    sys.exit(main())
