"""Build of the Lambda layers without Docker: `python -m layers.build all --architecture arm64`.

`python -m layers.build training` builds the packages for training and Glue jobs that have no access to a package index.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from layers import glue, smoke
from layers.contents import LAYERS, ROOT, TRAINING, Layer, LayerError, fill
from layers.target import ARCHITECTURES, TRAINING_PYTHON, Target, host_target
from layers.verification import check_binaries, check_size, digest, size_bytes

OUTPUT = ROOT / "build" / "layers"


def build(layer: Layer, target: Target, output: Path) -> Path:
    """Build a layer into ``<output>/<name>-<architecture>/``. A failed build keeps an existing folder."""
    output.mkdir(parents=True, exist_ok=True)
    destination = output / f"{layer.name}-{target.architecture}"
    with tempfile.TemporaryDirectory(prefix=".building-", dir=output) as scratch:
        folder = Path(scratch) / "layer"
        folder.mkdir()
        fill(layer, target, folder)
        check_binaries(folder, target)
        if destination.exists():
            shutil.rmtree(destination)
        folder.rename(destination)
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
    if options.name == TRAINING.name:
        return _build_training(options.output, console)
    layers = list(LAYERS.values()) if options.name == "all" else [LAYERS[options.name]]
    architectures = ARCHITECTURES if options.architecture == "all" else (options.architecture,)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    steps = len(layers) * len(architectures) + (not options.no_smoke_test)
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("layers", total=steps)
            for architecture in architectures:
                folders = []
                for layer in layers:
                    progress.update(task, description=f"building {layer.name} for {architecture}")
                    folders.append(build(layer, Target(architecture), options.output))
                    console.print(_described(folders[-1]), highlight=False, soft_wrap=True)
                    progress.advance(task)
                check_package_size(folders)
            if not options.no_smoke_test:
                progress.update(task, description="running this machine's build")
                for line in smoke_test(layers):
                    console.print(f"smoke test: {line}", highlight=False, soft_wrap=True)
                progress.advance(task)
    except LayerError as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


def _build_training(output: Path, console: Console) -> int:
    try:
        folder = build(TRAINING, Target("x86_64", python=TRAINING_PYTHON), output)
        archive = glue.build_wheels(output)
    except LayerError as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print(f"{_described(folder)}\n{archive}", highlight=False, soft_wrap=True)
    return 0


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
