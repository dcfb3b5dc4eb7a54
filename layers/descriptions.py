"""Generator of the core layer's service descriptions: `python -m layers.descriptions`.

`make setup` writes them for tests, and each build of the layers into the core layer. The descriptions are extracted
from those of the pinned botocore: the operations that functions call, without documentation, and the endpoints of the
services that functions use. A starting function reads a tenth of botocore's own descriptions.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from botocore import xform_name
from botocore.loaders import Loader

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "layers" / "core" / "python" / "alsolike" / "descriptions"
SOURCES = (ROOT / "functions", ROOT / "layers" / "core" / "python")

CALLED_BY_BOTOCORE = frozenset({"create_session", "describe_endpoints", "head_bucket"})
"""Operations that botocore calls itself, for a bucket's region, a directory bucket's session, and discovered
endpoints.
"""

SERVICES = ("dynamodb", "kinesis", "kms", "s3", "secretsmanager")
"""Services that functions call during requests."""

ENDPOINTS = frozenset(
    {"api.sagemaker", "cloudformation", "lambda", "logs", "monitoring", "ssm", "states", "sts", *SERVICES}
)
"""Services that functions call, by endpoint prefix, and the service that issues credentials."""


def write(folder: Path) -> None:
    """Write the descriptions into `folder`."""
    transfers = Path(str(files("s3transfer")))  # s3transfer sends large files with the clients of functions.
    loader, words = Loader(), CALLED_BY_BOTOCORE.union(_words((*SOURCES, transfers)))
    for service in SERVICES:
        version = loader.determine_latest_version(service, "service-2")
        name = f"{service}/{version}/service-2"
        _write(folder / f"{name}.json", described(loader.load_data(name), words))
    _write(folder / "endpoints.json", endpoints(loader.load_data("endpoints")))


def described(service: Mapping[str, Any], words: frozenset[str]) -> dict[str, Any]:
    """Return the description reduced to operations whose methods are in `words`, and to the shapes that they need."""
    operations = {name: one for name, one in service["operations"].items() if xform_name(name) in words}
    needed: set[str] = set()
    shapes = list(_shapes(operations))
    while shapes:
        name = shapes.pop()
        if name not in needed:
            needed.add(name)
            shapes.extend(_shapes(service["shapes"][name]))
    kept = {name: shape for name, shape in service["shapes"].items() if name in needed}
    return {**service, "operations": _undocumented(operations), "shapes": _undocumented(kept)}


def endpoints(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the endpoints reduced to the services that functions use. Other services get partition defaults."""
    return {
        **document,
        "partitions": [
            {**partition, "services": {k: v for k, v in partition["services"].items() if k in ENDPOINTS}}
            for partition in document["partitions"]
        ],
    }


def _words(sources: Iterable[Path]) -> Iterator[str]:
    """Yield possible names of methods: attributes, and strings such as the arguments of paginators."""
    for path in (path for source in sources for path in source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _shapes(part: Any) -> Iterator[str]:
    """Yield the names of the shapes that a part of a description references."""
    if isinstance(part, Mapping):
        if isinstance(name := part.get("shape"), str):
            yield name
        for value in part.values():
            yield from _shapes(value)
    elif isinstance(part, list):
        for value in part:
            yield from _shapes(value)


def _undocumented(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {
            name: _undocumented(value)
            for name, value in part.items()
            if not (name in {"documentation", "documentationUrl"} and isinstance(value, str))
        }
    return [_undocumented(value) for value in part] if isinstance(part, list) else part


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document) + b"\n")


if __name__ == "__main__":
    write(FOLDER)
