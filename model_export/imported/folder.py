"""Folder of a graph that another trainer exported: `graph.onnx`, its external data, and `model.json`.

docs/models.md describes the format. The graph scores all items for a batch of histories. An import adds the masks and
the best k, so the trainer does not need them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import onnx
import orjson

from alsolike.runtime.errors import InvalidBundle

MODEL_FILE, GRAPH_FILE = "model.json", "graph.onnx"
FORMAT = 1
MAX_BYTES = 600_000_000
"""Maximum size of all files. The gate of a deployment can have a lower limit."""

MAX_ITEMS = 1_000_000
MAX_EXAMPLES = 1_000
MAX_NAME = 100

_FIELDS = {"format", "name", "items", "trained_until", "half_life_days", "activation", "examples"}
_REQUIRED = ("format", "name", "items", "trained_until")


class Activation(StrEnum):
    """Operator that an import applies to the scores. Items with score 0 are in no list."""

    RELU = "relu"
    SOFTPLUS = "softplus"


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """Scores that the trainer computed for a history, by item. The history has item IDs, oldest first."""

    history: Sequence[str]
    scores: Mapping[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Folder:
    """Checked contents of `model.json`, and the names of the files.

    Attributes
    ----------
    trained_until_ms
        Time of the latest interaction that the model learned, in epoch milliseconds.
    half_life_days
        Age at which the input `weights` is halved.
    activation
        Activation of the scores; None if the graph's scores are at least 0.
    files
        Names of all files, `model.json` last.
    """

    directory: Path
    name: str
    item_ids: Sequence[str]
    trained_until_ms: int
    half_life_days: float
    activation: Activation | None
    examples: Sequence[Example]
    files: Sequence[str]
    sha256: str

    @property
    def graph(self) -> Path:
        return self.directory / GRAPH_FILE


def open_folder(directory: Path) -> Folder:
    """Read and check a folder. `model_export.imported.scoring.ScoringGraph` checks the graph."""
    for name in (MODEL_FILE, GRAPH_FILE):
        if not (directory / name).is_file():
            raise InvalidBundle(f"{directory} has no {name}, expected {GRAPH_FILE} and {MODEL_FILE}")
    _check_size(directory, (MODEL_FILE, GRAPH_FILE))
    try:
        proto = onnx.load(str(directory / GRAPH_FILE), load_external_data=False)
    except Exception as error:  # protobuf's error class has no type annotations
        raise InvalidBundle(f"{directory / GRAPH_FILE} is not an ONNX model: {error}") from error
    files = (GRAPH_FILE, *_external_files(directory, proto), MODEL_FILE)
    _check_size(directory, files)
    document = _document(directory / MODEL_FILE)
    digest = hashlib.sha256()
    for name in files:
        with (directory / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    item_ids = _item_ids(document["items"])
    return Folder(
        directory=directory,
        name=_name(document["name"]),
        item_ids=item_ids,
        trained_until_ms=_time_ms(document["trained_until"]),
        half_life_days=_half_life(document.get("half_life_days")),
        activation=_activation(document.get("activation")),
        examples=_examples(document.get("examples", []), frozenset(item_ids)),
        files=files,
        sha256=digest.hexdigest(),
    )


def document_of(
    *,
    name: str,
    item_ids: Sequence[str],
    trained_until: dt.datetime,
    half_life_days: float = math.inf,
    examples: Sequence[Example] = (),
) -> bytes:
    """Return `model.json` for a graph whose scores are at least 0."""
    return orjson.dumps(
        {
            "format": FORMAT,
            "name": name,
            "items": list(item_ids),
            "trained_until": trained_until.isoformat(),
            "half_life_days": half_life_days if math.isfinite(half_life_days) else None,
            "examples": [dataclasses.asdict(example) for example in examples],
        },
        option=orjson.OPT_INDENT_2,
    )


def _external_files(directory: Path, proto: onnx.ModelProto) -> list[str]:
    """Return the names of the files with external data, which must be in the folder."""
    names: set[str] = set()
    for tensor in proto.graph.initializer:
        names.update(entry.value for entry in tensor.external_data if entry.key == "location")
    for name in sorted(names):
        path = directory / name
        if Path(name).name != name or name == MODEL_FILE or path.is_symlink() or not path.is_file():
            raise InvalidBundle(
                f"{directory / GRAPH_FILE} refers to external data in {name!r}, expected a file in its folder"
            )
    return sorted(names)


def _check_size(directory: Path, names: Sequence[str]) -> None:
    size = sum((directory / name).stat().st_size for name in names)
    if size > MAX_BYTES:
        raise InvalidBundle(
            f"{directory} has {size / 1e6:.0f} MB in {', '.join(names)}, expected at most {MAX_BYTES / 1e6:.0f} MB: "
            "use fewer dimensions, or float16 tables"
        )


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InvalidBundle(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidBundle(f"{path} holds a {type(document).__name__}, expected an object")
    if missing := [name for name in _REQUIRED if name not in document]:
        raise InvalidBundle(f"{path} misses {', '.join(missing)}")
    if unknown := sorted(document.keys() - _FIELDS):
        raise InvalidBundle(f"{path} has unknown fields {', '.join(unknown)}; known are {', '.join(sorted(_FIELDS))}")
    if document["format"] != FORMAT:
        raise InvalidBundle(f"{path} has format {document['format']!r}, expected {FORMAT}")
    return document


def _invalid(field: str, value: Any, expected: str) -> InvalidBundle:
    return InvalidBundle(f"{MODEL_FILE} has {field} {value!r}, expected {expected}")


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_NAME or not value.isprintable():
        raise _invalid("name", value, f"1 to {MAX_NAME} printable characters")
    return value.strip()


def _item_ids(value: Any) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
        count = f"a list of {len(value):,}" if isinstance(value, list) else type(value).__name__
        raise _invalid("items", count, f"a list of 1 to {MAX_ITEMS:,} item IDs, in the order of the graph's positions")
    places: dict[str, int] = {}
    for place, item_id in enumerate(value, start=1):
        if not isinstance(item_id, str) or not item_id:
            raise _invalid(f"at position {place} of items", item_id, "an item ID, which is text")
        if (earlier := places.setdefault(item_id, place)) != place:
            raise InvalidBundle(f"{MODEL_FILE} has item {item_id!r} at the positions {earlier} and {place} of items")
    return value


def _time_ms(value: Any) -> int:
    try:
        time = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _invalid("trained_until", value, "an ISO 8601 time such as '2026-03-01T00:00:00+00:00'") from error
    return round((time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp() * 1_000)


def _half_life(value: Any) -> float:
    if value is None:
        return math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise _invalid("half_life_days", value, "a number above 0, or null for weights without decay")
    return float(value)


def _activation(value: Any) -> Activation | None:
    if value is not None and value not in list(Activation):
        raise _invalid("activation", value, f"null, {' or '.join(Activation)}")
    return None if value is None else Activation(value)


def _examples(value: Any, known: frozenset[str]) -> list[Example]:
    if not isinstance(value, list) or len(value) > MAX_EXAMPLES:
        raise _invalid("examples", type(value).__name__, f"a list of at most {MAX_EXAMPLES:,} examples")
    found = []
    for number, each in enumerate(value, start=1):
        history, scores = (each.get("history"), each.get("scores")) if isinstance(each, dict) else (None, None)
        if not isinstance(history, list) or not history or not isinstance(scores, dict) or not scores:
            raise _invalid(f"example {number}", each, "an object with a history of item IDs and scores by item ID")
        if strangers := [item for item in [*history, *scores] if item not in known]:
            raise InvalidBundle(f"{MODEL_FILE} has example {number} with {strangers[0]!r}, which is not in items")
        if not all(isinstance(score, int | float) and math.isfinite(score) for score in scores.values()):
            raise _invalid(f"scores in example {number}", scores, "finite numbers")
        found.append(Example(history, {item: float(score) for item, score in scores.items()}))
    return found
