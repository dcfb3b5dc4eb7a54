"""Content of the container image of the API, built without Docker: `python -m layers.container --architecture arm64`.

The image contains the code and packages of `SERVED_FUNCTIONS`, and the packages of Lambda's runtime.
`layers/image/Dockerfile` needs no network except for its base image.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from alsolike.api.server import SERVED_FUNCTIONS
from layers.contents import LAYERS, ROOT, Layer, copy_code, fill, fix, replacement
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
    destination = output / target.architecture
    with replacement(destination) as context:
        layer = context / "layer"
        layer.mkdir()
        fill(IMAGE, target, layer)
        check_binaries(layer, target)
        place = context / "root" / PLACE
        place.parent.mkdir(parents=True)
        (layer / "python").rename(place)
        shutil.rmtree(layer)
        copy_code(LAYERS["core"].directory / "python", place)
        (place / "functions").mkdir()
        shutil.copy(ROOT / "functions" / "__init__.py", place / "functions")
        for name in SERVED_FUNCTIONS:
            copy_code(ROOT / "functions" / name, place / "functions" / name)
        shutil.copy(IMAGE.directory / "Dockerfile", context)
        fix(context)
    return destination


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the content of the API's container image.")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=ARCHITECTURES[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    print(build(Target(options.architecture), options.output))  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
