"""Validation of a file's interactions, from the required columns to each value, and conversion to rows of the lake."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.catalogue.items import column_name
from alsolike.configuration.configuration import DEFAULT, Configuration
from alsolike.declarations.limits import MAX_EVENT_PROPERTIES_CHARACTERS, MAX_ID_CHARACTERS, MAX_IMPRESSION_ITEMS
from alsolike.events.action_events import action_properties, action_type
from alsolike.events.interactions import ACTION_TYPES
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy
from alsolike.records import action_interaction
from alsolike.records.columns import Text
from alsolike.records.interaction import COLUMNS, FILE_OPTIONAL, FILE_REQUIRED
from alsolike.runtime.errors import InvalidInput
from operations.client.erased_users import Erased, none_erased
from operations.ingest.event_ids import event_ids, text_hashes
from operations.ingest.files import DataFile, as_text, value_type
from operations.ingest.ids import CONTROL_CHARACTERS, SPACE, id_faults
from operations.ingest.lake_rows import LakeRows
from operations.ingest.text_columns import Texts
from operations.ingest.timestamps import numbers_of, times_ms

PLAIN = ("TIMESTAMP", "EVENT_VALUE")
"""Columns that are not dictionary-encoded, because they are converted to numbers."""

_ITEM_ID = f"[^|{CONTROL_CHARACTERS}]{{1,{MAX_ID_CHARACTERS}}}"
_IMPRESSION = rf"^{_ITEM_ID}(\|{_ITEM_ID})*$"
_BLANK_ITEM_ID = rf"(^|\|){SPACE}*(\||$)"

_TEXTS = {
    column.file: (name, column.type.maximum)
    for name, column in COLUMNS.items()
    if column.file and isinstance(column.type, Text)
}
_MAX_CHARACTERS = {file: maximum for file, (_, maximum) in _TEXTS.items() if file != "EVENT_TYPE"}


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """Result of checking a chunk.

    `good` are valid rows in the order of the file. `bad` are the positions of rejected rows, ascending.
    """

    good: LakeRows
    bad: npt.NDArray[np.int64]
    reasons: tuple[str, ...]


def check_columns(file: DataFile, *, configuration: Configuration, actions: bool = False) -> None:
    """Check the columns of a file and their types. With `actions`, the interactions are with actions, not items."""
    optional_item = any(not event.item_required for event in configuration.events.values())
    columns = action_interaction.FILE_REQUIRED if actions else FILE_REQUIRED
    required = [name for name in columns if name != "ITEM_ID" or "QUERY" not in file.schema.names or not optional_item]
    if missing := [name for name in required if name not in file.schema.names]:
        raise InvalidInput(
            f"{file.name} misses {', '.join(missing)}; its columns are {', '.join(file.header)} "
            "(--map THEIRS=OURS gives one another name)"
        )
    if actions and (others := {"ITEM_ID", "QUERY"}.intersection(file.schema.names)):
        raise InvalidInput(f"{file.name} has {', '.join(sorted(others))}, expected interactions with actions only")
    for field in file.schema:
        kind = value_type(field.type)
        text = pa.types.is_string(kind) or pa.types.is_null(kind)
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if field.name == "TIMESTAMP":
            time = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
            expected, fits = "a number, text or timestamp", text or number or time
        elif field.name == "EVENT_VALUE":
            expected, fits = "a number or text", text or number
        elif field.name == "IMPRESSION":
            expected, fits = "text or a list", text or pa.types.is_list(kind) or pa.types.is_large_list(kind)
        elif field.name in (*columns, *FILE_OPTIONAL):
            expected, fits = "text or an integer", text or pa.types.is_integer(kind)
        else:
            expected, fits = "a plain value", not pa.types.is_nested(kind)
        if not fits:
            raise InvalidInput(f"{file.name}: {field.name} has type {field.type}, expected {expected}")


def check(
    rows: pa.Table,
    *,
    default_event_type: str,
    now_ms: int,
    configuration: Configuration = DEFAULT,
    erased: Erased = none_erased,
    ids: IdPolicy = PLAIN_IDS,
    accepts_any_type: bool = False,
    actions: bool = False,
) -> Checked:
    """Check a chunk and convert its valid rows to the lake's format.

    `accepts_any_type` imports undeclared event types as the default type. For actions, EVENT_TYPE must be one of
    `ACTION_TYPES`, and EVENT_VALUE is ignored.
    """
    verdicts = Verdicts(len(rows))
    subject = "action" if actions else "item"
    maxima = {**_MAX_CHARACTERS, f"{subject.upper()}_ID": MAX_ID_CHARACTERS}
    texts = {name: _texts(rows, name) for name in (*maxima, "EVENT_TYPE", "IMPRESSION")}
    verdicts.refuse(texts["USER_ID"].missing(), "USER_ID is missing")
    if actions:
        verdicts.refuse(texts["ACTION_ID"].missing(), "ACTION_ID is missing")
        event_type = _types(texts["EVENT_TYPE"], action_type, ACTION_TYPES)
        verdicts.refuse(event_type.missing(), "EVENT_TYPE is unknown, expected Taken, Not Taken or Viewed")
    else:
        event_type = _event_type(
            texts["EVENT_TYPE"], verdicts, default_event_type, configuration, accepts_any=accepts_any_type
        )
        _require_items(texts["ITEM_ID"], texts["QUERY"], event_type, verdicts, configuration)
    for name, maximum in maxima.items():
        for wrong, reason in id_faults(texts[name].values, name, maximum=maximum):
            verdicts.refuse(texts[name].where(wrong), reason)
    if ids is not PLAIN_IDS:
        texts["USER_ID"] = texts["USER_ID"].mapped(ids.user)
        texts["SESSION_ID"] = texts["SESSION_ID"].mapped(ids.session)
    if (is_erased := erased(texts["USER_ID"].values)) is not None:
        verdicts.refuse(texts["USER_ID"].where(pa.array(is_erased)), "USER_ID is an erased user's")
    time_ms, wrong_times = times_ms(rows["TIMESTAMP"])
    for reason, where in wrong_times.items():
        verdicts.refuse(where, f"TIMESTAMP {reason}")
    verdicts.refuse(time_ms <= 0, "TIMESTAMP is not after 1970")
    verdicts.refuse(time_ms > now_ms + configuration.limits.clock_skew_s * 1000, "TIMESTAMP is in the future")
    value = np.broadcast_to(np.nan, len(rows))
    if "EVENT_VALUE" in rows.column_names and not actions:
        value, unreadable = numbers_of(rows["EVENT_VALUE"])
        verdicts.refuse(unreadable, "EVENT_VALUE is not a number")
    impression = texts["IMPRESSION"]
    well_formed = pc.match_substring_regex(impression.values, _IMPRESSION)
    blank = pc.match_substring_regex(impression.values, _BLANK_ITEM_ID)
    verdicts.refuse(
        impression.where(pc.or_(blank, pc.invert(well_formed))), f"IMPRESSION is not a list of {subject} IDs like a|b"
    )
    if actions:
        maximum = MAX_IMPRESSION_ITEMS
        too_many = pc.greater_equal(pc.count_substring(impression.values, "|"), maximum)
        verdicts.refuse(impression.where(too_many), f"IMPRESSION has more than {maximum} action IDs")
    properties = _properties(rows.drop_columns(["ACTION_ID"]) if actions else rows)
    maximum = MAX_EVENT_PROPERTIES_CHARACTERS
    too_long = pc.greater(pc.utf8_length(properties.values), maximum)
    verdicts.refuse(properties.where(too_long), f"own columns have more than {maximum} characters")
    columns = {name: texts[file] for file, (name, _) in _TEXTS.items()}
    columns |= {"event_type": event_type, "impression": impression, "properties": properties}
    if not (good := verdicts.good).all():
        columns = {name: column.take(good) for name, column in columns.items()}
        time_ms, value = time_ms[good], value[good]
    if actions:
        row_columns = (texts["ACTION_ID"].take(good), columns["impression"], columns["properties"])
        columns |= {"impression": Texts.absent(len(value)), "properties": _action_properties(*row_columns)}
    stated_ids = columns.pop("event_id")
    hashes = {name: text_hashes(columns[name]) for name in COLUMNS if name in columns}
    first, later = (
        [(columns[name], column_hash) for name, column_hash in hashes.items() if (COLUMNS[name].since > 1) is is_later]
        for is_later in (False, True)
    )
    computed_ids = event_ids(first, later, [time_ms, value])
    return Checked(
        LakeRows(columns, stated_ids, computed_ids, time_ms, value, hashes["user_id"], now_ms), *verdicts.bad()
    )


def _texts(rows: pa.Table, name: str) -> Texts:
    return Texts.of(rows[name]) if name in rows.column_names else Texts.absent(len(rows))


def _event_type(
    column: Texts, verdicts: Verdicts, default: str, configuration: Configuration, *, accepts_any: bool
) -> Texts:
    """Return the canonical event types. Reject rows with unknown types, unless `accepts_any`. Each distinct string
    is looked up once.
    """
    if column.is_absent:
        return Texts.constant(default, len(column))
    known = list(configuration.events)
    unstated = known.index(default)
    unknown = unstated if accepts_any else -1
    types = _types(column, configuration.canonical_event_type, known, unknown=unknown, unstated=unstated)
    verdicts.refuse(types.missing(), f"EVENT_TYPE is unknown, expected one of {', '.join(known)}")
    return types


def _types(
    column: Texts, read: Callable[[str], str], known: Sequence[str], *, unknown: int = -1, unstated: int = -1
) -> Texts:
    """Return the type of each row among `known`. Each distinct string is parsed once.

    `unknown` and `unstated` are positions in `known` for strings that `read` rejects, and for missing strings; -1 makes
    the type null.
    """
    places = np.full(len(column.values) + 1, unknown, np.int32)
    for place, name in enumerate(column.values.to_pylist()):
        with contextlib.suppress(InvalidInput):
            places[place] = known.index(read(name))
    places[-1] = unstated
    return Texts(pa.array(known, pa.string()), places[column.codes])


def _require_items(
    item: Texts, query: Texts, event_type: Texts, verdicts: Verdicts, configuration: Configuration
) -> None:
    missing = item.missing()
    if not missing.any():
        return
    needed: Sequence[bool] = [configuration.events[name].item_required for name in event_type.values.to_pylist()]
    about_an_item = np.array([*needed, True])[event_type.codes]
    verdicts.refuse(missing & about_an_item, "ITEM_ID is missing")
    verdicts.refuse(missing & query.missing(), "ITEM_ID and QUERY are missing, expected at least one")


def _properties(rows: pa.Table) -> Texts:
    """Return user-defined columns as JSON objects in strings. Each distinct cell is encoded once."""
    own = [name for name in rows.column_names if name not in (*FILE_REQUIRED, *FILE_OPTIONAL)]
    if not own:
        return Texts.constant("{}", len(rows))
    members = []
    for name in own:
        encoded = _plain(rows[name]).combine_chunks().dictionary_encode(null_encoding="encode")
        key = orjson.dumps(column_name(name)).decode()
        written = [
            "" if cell is None or cell == "" else f",{key}:{orjson.dumps(cell).decode()}"
            for cell in encoded.dictionary.to_pylist()
        ]
        members.append(pa.array(written, pa.string()).take(encoded.indices))
    joined = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*members, ""), 1)  # Remove the first comma.
    return Texts.of(pa.chunked_array([pc.binary_join_element_wise("{", joined, "}", "")]))


def _action_properties(action: Texts, impression: Texts, own: Texts) -> Texts:
    """Return the properties of interactions with actions. Each distinct combination is encoded once."""

    @functools.cache
    def written(action_id: str, shown: str | None, own_columns: str) -> str:
        return action_properties(action_id, shown.split("|") if shown else None, orjson.loads(own_columns))

    cells = zip(*(texts.column().to_pylist() for texts in (action, impression, own)), strict=True)
    return Texts.of(pa.chunked_array([pa.array(itertools.starmap(written, cells), pa.string())]))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return finite numbers and booleans unchanged, other numbers as null, and all other types as text."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    return as_text(column)


def options_of(configuration: Configuration) -> Mapping[str, Any]:
    """Return the settings of event types that affect how rows are parsed."""
    return {name: [event.item_required, *event.aliases] for name, event in configuration.events.items()}


class Verdicts:
    """First rejection reason per row."""

    def __init__(self, rows: int) -> None:
        self._reasons = ["good"]
        self._codes = np.zeros(rows, np.int16)

    def refuse(self, rows: npt.NDArray[np.bool_] | None, reason: str) -> None:
        if rows is not None and rows.any():
            self._codes[rows & (self._codes == 0)] = len(self._reasons)
            self._reasons.append(reason)

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        good: npt.NDArray[np.bool_] = self._codes == 0
        return good

    def bad(self) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
        """Return the positions of rejected rows, ascending, and the reason per position."""
        places = np.flatnonzero(self._codes)
        return places, tuple(self._reasons[code] for code in self._codes[places])
