"""Reader of interactions in CSV, gzipped CSV or Parquet files. It applies an import's rules without a deployment."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType
from alsolike.events.context import context_of
from alsolike.events.returns import net_weights
from alsolike.runtime.errors import InvalidInput, UnknownEventType
from operations.client.aws import session_clients
from operations.ingest import interaction_checks
from operations.ingest.csv_format import PLAIN, CsvForm
from operations.ingest.files import Chunk, DataFile, as_text, open_file
from operations.ingest.sources import find
from operations.ingest.text_columns import Texts
from operations.progress import counted

if TYPE_CHECKING:
    from model_export.data.interactions import Interactions

_UNSTATED = "view"
"""Default event type of rows without a type, as in an import."""

_ANY_TIME_MS = 1 << 60
"""Time of the import, in milliseconds. It is so late that no row is in the future."""


@dataclasses.dataclass(frozen=True, slots=True)
class InteractionFile:
    """Contents of interaction files.

    `item_ids` belong to the items 1..N of `interactions`, and `user_ids` to the users 0..M - 1. `properties`
    are the columns of each item in `item_ids`, and `unlearned` the columns of each other catalogue item.
    """

    interactions: Interactions
    item_ids: Sequence[str]
    user_ids: Sequence[str]
    properties: Sequence[Mapping[str, Any]]
    unlearned: Sequence[Mapping[str, Any]]
    notes: tuple[str, ...]


def read(
    *paths: str | Path,
    mapping: Mapping[str, str] = MappingProxyType({}),
    event_type: str = _UNSTATED,
    items: Mapping[str, Mapping[str, Any]] | None = None,
    configuration: Configuration = DEFAULT,
    only_learned: bool = False,
    form: CsvForm = PLAIN,
) -> InteractionFile:
    """Read interaction files. Rows with equal TIMESTAMP keep the order of the files.

    Rows that an import would reject are skipped and counted in a note. Rows in the future are accepted, and identical
    rows count separately. Rows with an unknown event type or the weight 0 are skipped, and returns cancel earlier rows.
    If no row has an event type with a weight, every row weighs 1.

    `items` are the columns of the catalogue's items by item ID. With `only_learned`, items without
    interactions are not ranked.
    """
    # Imported here, because commands must start without the extra `train`.
    from model_export.data.item_content import item_content
    from model_export.data.training_data import contexts, encode, unlearned, unlearned_ids

    names = ", ".join(Path(path).name for path in paths)
    table, time_ms, refused = _read(paths, mapping, form, configuration)
    if not len(table):
        raise InvalidInput(
            f"{names} has no {'row that an import accepts: ' + '; '.join(refused) if refused else 'rows'}"
        )
    unstated = configuration.canonical_event_type(event_type)
    weights, event_types, notes = _event_types(table, configuration, unstated=unstated)
    notes = [*refused, *notes]
    stated = int((weights > 0).sum())
    weights = _without_returns(table, time_ms, weights)
    if cancelled := stated - int((weights > 0).sum()):
        notes.append(f"returns took back {counted(cancelled, 'row')}")
    kept = weights > 0
    if not kept.any():
        raise InvalidInput(f"{names} has no interaction that counts: " + ("; ".join(notes) or "all are returns"))
    table, event_types = (rows.filter(pa.array(kept)) for rows in (table, event_types))
    if items is not None and (strangers := len(set(table["ITEM_ID"].to_pylist()) - items.keys())):
        notes.append(f"the items file lacks {counted(strangers, 'item')} with interactions")
    interactions, item_ids, user_ids = encode(
        user_ids=table["USER_ID"],
        item_ids=table["ITEM_ID"],
        time_ms=time_ms[kept],
        weight=weights[kept],
        catalogue=None if items is None or only_learned else pa.chunked_array([pa.array(items, pa.string())]),
        features={"event_type": event_types, **contexts(table["CONTEXT"])},
    )
    if repeated := interactions.repeated():
        notes.append(f"all rows count, also {counted(repeated, 'row')} with the user, item and time of another row")
    properties = [(items or {}).get(item_id, {}) for item_id in item_ids]
    if any(properties):
        interactions = dataclasses.replace(interactions, content=item_content(properties).vectors)
    interactions = dataclasses.replace(interactions, history_length=configuration.limits.history_length)
    return InteractionFile(
        interactions=interactions,
        item_ids=item_ids,
        user_ids=user_ids,
        properties=properties,
        unlearned=unlearned(items or {}, unlearned_ids(items or {}, item_ids)),
        notes=tuple(notes),
    )


def _event_types(
    table: pa.Table, configuration: Configuration, *, unstated: str
) -> tuple[np.ndarray[Any, Any], pa.ChunkedArray, list[str]]:
    """Return the weight and the canonical event type of each row, and notes on skipped rows and assumed event types.

    Skipped rows have the weight 0, and unknown event types are null. If no row has an event type with a weight, all
    rows weigh 1.
    """
    all_weigh_one = np.full(len(table), 1.0, np.float32)
    if "EVENT_TYPE" not in table.column_names:
        return all_weigh_one, pa.chunked_array([pa.repeat(unstated, len(table))]), []
    types = pc.fill_null(table["EVENT_TYPE"], "").combine_chunks().dictionary_encode()
    names = types.dictionary.to_pylist()
    known = [_event_type(name or unstated, configuration) for name in names]
    weights = [None if found is None else found.weight for found in known]
    canonical = pa.array([None if found is None else found.name for found in known], pa.string()).take(types.indices)
    event_types = pa.chunked_array([canonical])
    if not any(weight for name, weight in zip(names, weights, strict=True) if name):
        note = f"EVENT_TYPE holds none of {', '.join(configuration.event_weights)}: every interaction weighs 1"
        return all_weigh_one, event_types, [note]
    weight_of = np.array([weight or 0.0 for weight in weights], np.float32)
    codes = types.indices.to_numpy()
    notes = []
    if "" in names:
        rows = int((codes == names.index("")).sum())
        notes.append(f"{counted(rows, 'row')} without EVENT_TYPE: counted as {unstated}")
    for left_out, reason in ((None, "of unknown EVENT_TYPE"), (0.0, "of an EVENT_TYPE with weight 0")):
        positions = [position for position, weight in enumerate(weights) if weight == left_out]
        if positions:
            rows = int(np.isin(codes, positions).sum())
            listed = ", ".join(sorted(names[position] or unstated for position in positions))
            notes.append(f"left out {counted(rows, 'row')} {reason}: {listed}")
    return weight_of[codes], event_types, notes


def _without_returns(
    table: pa.Table, time_ms: np.ndarray[Any, Any], weights: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Return the weights after returns have cancelled earlier interactions. Rows with equal times keep their order."""
    if not (weights < 0).any():
        return weights
    users, items = (
        table[name].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        for name in ("USER_ID", "ITEM_ID")
    )
    order = np.argsort(time_ms, kind="stable")
    left = np.empty(len(weights), np.float32)
    left[order] = net_weights((users * (items.max() + 1) + items)[order], weights[order])
    return left


def _event_type(name: str, configuration: Configuration) -> EventType | None:
    try:
        return configuration.events[configuration.canonical_event_type(name)]
    except UnknownEventType:
        return None


def _read(
    paths: Sequence[str | Path], mapping: Mapping[str, str], form: CsvForm, configuration: Configuration
) -> tuple[pa.Table, npt.NDArray[np.int64], list[str]]:
    """Return the columns and times of valid rows, and notes on rejected rows. Event types are not checked."""
    sources = find(paths, s3=lambda: session_clients()("s3"))
    files = [open_file(source, mapping, form) for source in sources]
    for file in files:
        interaction_checks.check_columns(file, configuration=configuration)
        if "ITEM_ID" not in file.schema.names:
            raise InvalidInput(f"{file.name} misses ITEM_ID; its columns are {', '.join(file.header)}")
    parts = [
        _part(file, chunk, configuration) for file in files for chunk in file.chunks(plain=interaction_checks.PLAIN)
    ]
    refused: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], int] = {}
    for part in parts:
        for line, reason in part.refused:
            key = (part.place, reason)
            refused[key] += 1
            first[key] = min(first.get(key, line), line)
    columns = {
        name: pa.chunked_array([part.columns[name] for part in parts], pa.string())
        for name in ("USER_ID", "ITEM_ID", "EVENT_TYPE", "CONTEXT")
        if name != "EVENT_TYPE" or any("EVENT_TYPE" in file.schema.names for file in files)
    }
    time_ms = np.concatenate([np.zeros(0, np.int64), *(part.time_ms for part in parts)])
    notes = [
        f"{counted(count, 'row')} left out, as by an import: {reason} (first in {place} {first[place, reason]})"
        for (place, reason), count in refused.items()
    ]
    return pa.table(columns), time_ms, notes


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """Accepted rows of a chunk, and the line and reason of each rejected row."""

    place: str
    columns: Mapping[str, pa.Array]
    time_ms: npt.NDArray[np.int64]
    refused: Sequence[tuple[int, str]]


def _part(file: DataFile, chunk: Chunk, configuration: Configuration) -> _Part:
    rows, lines = chunk.rows, chunk.lines
    if "QUERY" in rows.column_names:  # Searches are not interactions with items.
        about_an_item = ~Texts.of(rows["ITEM_ID"]).missing() | Texts.of(rows["QUERY"]).missing()
        rows, lines = rows.filter(pa.array(about_an_item)), lines[about_an_item]
    types = as_text(rows["EVENT_TYPE"]) if "EVENT_TYPE" in rows.column_names else None
    checked = interaction_checks.check(
        rows if types is None else rows.drop_columns(["EVENT_TYPE"]),
        default_event_type=_UNSTATED,
        now_ms=_ANY_TIME_MS,
        configuration=configuration,
    )
    good = np.ones(len(rows), bool)
    good[checked.bad] = False
    stated = pa.nulls(int(good.sum()), pa.string())
    if types is not None:
        stated = types.filter(pa.array(good)).cast(pa.string()).combine_chunks()
    properties = checked.good.texts["properties"]
    return _Part(
        f"{Path(file.name).name}, {'row' if file.is_parquet else 'line'}",
        {
            "USER_ID": checked.good.texts["user_id"].column(),
            "ITEM_ID": checked.good.texts["item_id"].column(),
            "EVENT_TYPE": stated,
            "CONTEXT": properties.mapped(functools.partial(context_of, columns=configuration.context)).column(),
        },
        checked.good.event_time_ms,
        [
            *((row.line, row.reason) for row in chunk.malformed),
            *zip(lines[checked.bad].tolist(), checked.reasons, strict=True),
        ],
    )
