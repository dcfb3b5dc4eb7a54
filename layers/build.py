"""Build of the Lambda layers without Docker: `python -m layers.build all --architecture arm64`.

`python -m layers.build training` builds the packages for training and Glue jobs that have no access to a package index.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from layers import glue, smoke
from layers.contents import LAYERS, ROOT, TRAINING, Layer, LayerError, fill, replacement
from layers.target import ARCHITECTURES, TRAINING_PYTHON, Target, host_target
from layers.verification import check_binaries, check_size, digest, size_bytes

OUTPUT = ROOT / "build" / "layers"


def build(layer: Layer, target: Target, output: Path) -> Path:
    """Build a layer into ``<output>/<name>-<architecture>/``. A failed build keeps an existing folder."""
    destination = output / f"{layer.name}-{target.architecture}"
    with replacement(destination) as folder:
        fill(layer, target, folder)
        check_binaries(folder, target)
    return destination


def check_package_size(folders: Sequence[Path]) -> int:
    """Return the unzipped size of the layers plus the largest function. Raise `LayerError` above Lambda's limit."""
    functions = {path.name: size_bytes(path) for path in (ROOT / "functions").iterdir() if path.is_dir()}
    largest = max(functions, key=functions.__getitem__, default=None)
    parts = {folder.name: size_bytes(folder) for folder in folders}
    if largest:
        parts[f"function {largest}"] = functions[largest]
    return check_size(parts)


def smoke_test(layers: Sequence[Layer]) -> list[str]:
    target = host_target()
    if target is None:
        return [f"no smoke test: layers are for Linux, this is {sys.platform}"]
    with tempfile.TemporaryDirectory(prefix="alsolike-smoke-") as scratch:
        folders = [build(layer, target, Path(scratch)) for layer in layers]
        return [smoke.run(layer.name, folders) for layer in layers]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        with console.status("") as status:
            for line in _build(options, status.update):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
    except LayerError as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


def _build(options: argparse.Namespace, describe: Callable[[str], None]) -> Iterator[str]:
    if options.name == TRAINING.name:
        describe("building the packages for training and Glue jobs")
        yield _described(build(TRAINING, Target("x86_64", python=TRAINING_PYTHON), options.output))
        yield str(glue.build_wheels(options.output))
        return
    layers = list(LAYERS.values()) if options.name == "all" else [LAYERS[options.name]]
    for architecture in ARCHITECTURES if options.architecture == "all" else (options.architecture,):
        folders = []
        for layer in layers:
            describe(f"building {layer.name} for {architecture}")
            folders.append(build(layer, Target(architecture), options.output))
            yield _described(folders[-1])
        check_package_size(folders)
    if not options.no_smoke_test:
        describe("running this machine's build")
        for line in smoke_test(layers):
            yield f"smoke test: {line}"


def _described(folder: Path) -> str:
    return f"{folder}  {size_bytes(folder) / 2**20:.1f} MiB  sha256 {digest(folder)[:16]}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m layers.build", description=__doc__)
    parser.add_argument("name", choices=[*LAYERS, "all", TRAINING.name])
    parser.add_argument("--architecture", choices=[*ARCHITECTURES, "all"], default="arm64")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: build/layers")
    parser.add_argument("--no-smoke-test", action="store_true", help="do not run this machine's build of the layers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
