"""Recommendation log with one row per response, from the log of `recommend` to the lake's table `served`.

`recommend` logs a line of compact JSON with a `ServedResponse` under the key `LINE_KEY`, which a log subscription
delivers. The recommendation ID identifies a row, so duplicates count once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.configuration import recommendation_id
from alsolike.declarations.storage import SERVED_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION
from alsolike.lake.partitions import event_date
from alsolike.records.columns import columns_of
from alsolike.records.served_response import (
    EXPLORED,
    FIELDS,
    FILLED,
    LINE_KEY,
    PAIRED,
    PINNED,
    PROMOTED,
    RANKED,
    ServedResponse,
)
from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation

QUARANTINE_SHARD = "served-"
"""Prefix of the shard ID of quarantined log lines."""

UNKNOWN = "unknown"
"""Value of `shopper` if the user's hash could not be computed. It differs from all hashes."""

_ABSENT = {name: column.type.absent for name, column in columns_of(ServedResponse).items()}
_BY_POSITION = ("item_ids", "origins", "propensities")


def read_line(line: bytes | str) -> ServedResponse:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"a line of the log is not JSON: {error}") from error
    values = validation.as_object(validation.as_object(document, where="line").get(LINE_KEY), where=LINE_KEY)
    item_ids = values.get("item_ids")
    positions = len(item_ids) if isinstance(item_ids, list) else 0
    return read_row({"origins": [RANKED] * positions, "propensities": [None] * positions, **values})


def read_row(values: Mapping[str, Any]) -> ServedResponse:
    """Return the row with the given values by column. A missing column gets its type's `absent`, mostly None."""
    row = ServedResponse(**{**_ABSENT, **FIELDS.read(dict(values), LINE_KEY)})
    _expect(
        row, "origins", all(map(_is_origin, row.origins)), "ranked, paired, filled, pinned, explored or promoted:<name>"
    )
    by_position = _BY_POSITION if row.scores is None else (*_BY_POSITION, "scores")
    if len(lengths := {len(getattr(row, name)) for name in by_position}) > 1:
        raise InvalidInput(f"{', '.join(by_position)} have {sorted(lengths)} elements, expected equal numbers")
    identified = recommendation_id.parse(row.recommendation_id)
    for name, expected in (("served_ms", identified.answered_ms), ("recommender", identified.recommender)):
        _expect(row, name, getattr(row, name) == expected, f"{expected} as in its recommendation ID")
    tag = recommendation_id.version_tag(row.model_version)
    _expect(row, "model_version", tag == identified.version_tag, "the version in its recommendation ID")
    arm_tags = tuple(map(recommendation_id.arm_tag, row.arms))
    _expect(row, "arms", arm_tags == identified.arm_tags, "the arms in its recommendation ID")
    return row


def _expect(row: ServedResponse, name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise InvalidInput(f"{LINE_KEY}.{name} is {validation.describe(getattr(row, name))}, expected {expected}")


def _is_origin(value: str) -> bool:
    return value in (RANKED, PAIRED, FILLED, PINNED, EXPLORED) or (value.startswith(PROMOTED) and value != PROMOTED)


def partition_prefix(date: str) -> str:
    return f"{SERVED_PREFIX}{SERVED_PARTITION}={date}/"


def served_date(served_ms: int) -> str:
    return event_date(served_ms)
