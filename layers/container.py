"""Content of the container image of the API, built without Docker: `python -m layers.container --architecture arm64`.

The image contains the code and packages of `SERVED_FUNCTIONS`, and the packages of Lambda's runtime.
`layers/image/Dockerfile` needs no network except for its base image.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from alsolike.api.server import SERVED_FUNCTIONS
from layers.contents import LAYERS, ROOT, Layer, fill, fix
from layers.target import ARCHITECTURES, Target
from layers.verification import check_binaries

OUTPUT = ROOT / "build" / "image"
PLACE = Path("opt", "alsolike")
"""Folder of all packages in the image, relative to the root. The image's `PYTHONPATH`."""

IMAGE = Layer(
    "image",
    unused=LAYERS["onnx_runtime"].unused,
    lists=tuple(f"layers/{name}/requirements.txt" for name in ("core", "onnx_runtime", "image")),
)


def build(target: Target, output: Path) -> Path:
    output.mkdir(parents=True, exist_ok=True)
    destination = output / target.architecture
    with tempfile.TemporaryDirectory(prefix=".building-", dir=output) as scratch:
        layer, context = Path(scratch) / "layer", Path(scratch) / "context"
        layer.mkdir()
        fill(IMAGE, target, layer)
        check_binaries(layer, target)
        packages = layer / "python"
        _copy(LAYERS["core"].directory / "python", packages)
        (packages / "functions").mkdir()
        shutil.copy(ROOT / "functions" / "__init__.py", packages / "functions")
        for name in SERVED_FUNCTIONS:
            _copy(ROOT / "functions" / name, packages / "functions" / name)
        place = context / "root" / PLACE
        place.parent.mkdir(parents=True)
        packages.rename(place)
        shutil.copy(IMAGE.directory / "Dockerfile", context)
        fix(context)
        if destination.exists():
            shutil.rmtree(destination)
        context.rename(destination)
    return destination


def _copy(source: Path, destination: Path) -> None:
    shutil.copytree(source, destination, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the content of the API's container image.")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=ARCHITECTURES[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    print(build(Target(options.architecture), options.output))  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
