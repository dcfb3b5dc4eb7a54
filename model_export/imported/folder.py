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

from alsolike.runtime.errors import InvalidBundle, InvalidInput
from alsolike.schema import validation
from alsolike.schema.fields import Choice, Fields, Integer, LenientList, ListOf, MapOf, Number, Text

MODEL_FILE, GRAPH_FILE = "model.json", "graph.onnx"
FORMAT = 1
MAX_BYTES = 600_000_000
"""Maximum size of all files. The gate of a deployment can have a lower limit."""

MAX_ITEMS = 1_000_000
MAX_EXAMPLES = 1_000
MAX_NAME = 100


class Activation(StrEnum):
    """Operator that an import applies to the scores. Items with score 0 are in no list."""

    RELU = "relu"
    SOFTPLUS = "softplus"


_TEXT = Text(1_000)
_EXAMPLE = Fields(
    {"history": ListOf(_TEXT, 1, MAX_ITEMS), "scores": MapOf(_TEXT, Number(math.inf), MAX_ITEMS)},
    required=("history", "scores"),
)
_DOCUMENT = Fields(
    {
        "format": Integer(FORMAT, FORMAT),
        "name": Text(MAX_NAME),
        "items": LenientList(_TEXT, 1, MAX_ITEMS),
        "trained_until": _TEXT,
        "half_life_days": Number(math.inf),
        "activation": Choice(list(Activation)),
        "examples": ListOf(_EXAMPLE, 0, MAX_EXAMPLES),
    },
    required=("format", "name", "items", "trained_until"),
)


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
    try:
        document = _DOCUMENT.read(
            validation.parse_object((directory / MODEL_FILE).read_bytes(), subject="the document")
        )
    except InvalidInput as error:
        raise InvalidBundle(f"{directory / MODEL_FILE}: {error}") from error
    digest = hashlib.sha256()
    for name in files:
        with (directory / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    _check_item_ids(document["items"])
    return Folder(
        directory=directory,
        name=document["name"].strip(),
        item_ids=document["items"],
        trained_until_ms=_time_ms(document["trained_until"]),
        half_life_days=_half_life(document.get("half_life_days", math.inf)),
        activation=Activation(document["activation"]) if "activation" in document else None,
        examples=_examples(document.get("examples", []), frozenset(document["items"])),
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


def _invalid(field: str, value: Any, expected: str) -> InvalidBundle:
    return InvalidBundle(f"{MODEL_FILE} has {field} {value!r}, expected {expected}")


def _check_item_ids(item_ids: Sequence[Any]) -> None:
    places: dict[str, int] = {}
    for place, item_id in enumerate(item_ids, start=1):
        if not isinstance(item_id, str) or not item_id:
            raise _invalid(f"at position {place} of items", item_id, "an item ID, which is text")
        if (earlier := places.setdefault(item_id, place)) != place:
            raise InvalidBundle(f"{MODEL_FILE} has item {item_id!r} at the positions {earlier} and {place} of items")


def _time_ms(value: str) -> int:
    try:
        time = dt.datetime.fromisoformat(value)
    except ValueError as error:
        raise _invalid("trained_until", value, "an ISO 8601 time such as '2026-03-01T00:00:00+00:00'") from error
    return round((time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp() * 1_000)


def _half_life(days: float) -> float:
    if days <= 0:
        raise _invalid("half_life_days", days, "a number above 0, or null for weights without decay")
    return days


def _examples(examples: Sequence[Mapping[str, Any]], known: frozenset[str]) -> list[Example]:
    for number, example in enumerate(examples, start=1):
        if not example["scores"]:
            raise InvalidBundle(f"{MODEL_FILE} has example {number} without scores, expected at least one")
        if strangers := [item for item in (*example["history"], *example["scores"]) if item not in known]:
            raise InvalidBundle(f"{MODEL_FILE} has example {number} with {strangers[0]!r}, which is not in items")
    return [Example(**example) for example in examples]
