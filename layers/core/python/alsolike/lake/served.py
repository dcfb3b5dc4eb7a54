"""The recommendation log: one row per answer, from the log of `recommend` to the lake's table `served`.

`recommend` writes a line, compact JSON of `SERVED_COLUMNS` below the key `LINE_KEY`, and a subscription of its log
delivers it. The recommendation id identifies a row, so that a repeated delivery counts once.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from alsolike.contract import validation
from alsolike.declarations.storage import SERVED_PREFIX
from alsolike.declarations.tables import SERVED_COLUMNS, SERVED_PARTITION
from alsolike.domain import recommendation_id
from alsolike.events.interactions import MAX_TIME_MS
from alsolike.lake.lake import event_date
from alsolike.runtime.errors import InvalidInput

LINE_KEY = "served"
"""The key of a log line that has an answer, `{"served": {...}}`; no other line has it."""

QUARANTINE_SHARD = "served-"
"""Shard prefix of unreadable lines, which quarantine stores like records of the stream."""

RANKED, FILLED, PINNED, EXPLORED, PROMOTED = "ranked", "filled", "pinned", "explored", "promoted:"
"""Why an item has its place; after the last one comes the promotion's name."""

MAX_TOOK_MS = 900_000
"""Maximum duration of a Lambda function."""

UNKNOWN = "unknown"
"""The shopper of an answer for a user whose hash could not be computed; no hash has this value."""


_TEXTS = ("recommender", "model_version")
_TEXTS_OR_NULL = ("shopper", "session", "rules", "filter", "page_item", "correlation_id", "device")
_OPTIONAL = ("took_ms", "top_score", "scores", *_TEXTS_OR_NULL)
_WHOLE = MappingProxyType({"served_ms": MAX_TIME_MS, "configuration": 2**31 - 1, "asked": 2**31 - 1})
_LISTS_OF_TEXTS = ("arms", "degraded", "item_ids", "origins")
_BY_PLACE = ("item_ids", "origins", "propensities")


class Served(NamedTuple):
    """One answer: the row of the table, see `SERVED_COLUMNS`. A tuple, since each answer makes one."""

    recommendation_id: str
    served_ms: int
    recommender: str
    model_version: str
    arms: list[str]
    shopper: str | None
    session: str | None
    source: str
    degraded: list[str]
    configuration: int
    rules: str | None
    filter: str | None
    page_item: str | None
    asked: int
    item_ids: list[str]
    origins: list[str]
    propensities: list[float | None]
    took_ms: float | None = None
    top_score: float | None = None
    correlation_id: str | None = None
    scores: list[float | None] | None = None
    device: str | None = None

    def to_line(self) -> str:
        """Return the line of the log, without its end.

        A log is billed by its bytes, so the line omits nulls, and origins and propensities that all items have: ranked
        and null.
        """
        fields = {name: value for name, value in zip(self._fields, self, strict=True) if value is not None}
        if all(origin == RANKED for origin in self.origins):
            del fields["origins"]
        if all(chance is None for chance in self.propensities):
            del fields["propensities"]
        return orjson.dumps({LINE_KEY: fields}).decode()


def read_line(line: bytes | str) -> Served:
    """Return the row from the result of `Served.to_line`.

    Raises
    ------
    InvalidInput
        If it has another form, or the row contradicts its own recommendation id.
    """
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"a line of the log is no JSON: {error}") from error
    fields = validation.as_object(validation.as_object(document, where="line").get(LINE_KEY), where=LINE_KEY)
    validation.only_known(fields, SERVED_COLUMNS, where=f"{LINE_KEY}.")
    item_ids = fields.get("item_ids")
    places = len(item_ids) if isinstance(item_ids, list) else 0
    omitted = {"origins": [RANKED] * places, "propensities": [None] * places, **dict.fromkeys(_OPTIONAL)}
    fields = {**omitted, **fields}
    if missing := [name for name in SERVED_COLUMNS if name not in fields]:
        raise InvalidInput(f"{LINE_KEY}.{missing[0]} is missing")
    return checked(Served(**fields))


def checked(row: Served) -> Served:
    """Return a row whose values have the types of their columns and agree with its recommendation id.

    Raises
    ------
    InvalidInput
        If they do not; the message names the column.
    """
    for name in ("recommendation_id", *_TEXTS, "source"):
        _expect(row, name, _is_text(getattr(row, name)), "a text")
    for name in _TEXTS_OR_NULL:
        value = getattr(row, name)
        _expect(row, name, value is None or _is_text(value), "a text or null")
    for name, most in _WHOLE.items():
        value = getattr(row, name)
        _expect(row, name, type(value) is int and 0 <= value <= most, f"a whole number from 0 to {most}")
    for name in _LISTS_OF_TEXTS:
        value = getattr(row, name)
        _expect(row, name, isinstance(value, list) and all(map(_is_text, value)), "a list of texts")
    _expect(row, "origins", all(map(_is_origin, row.origins)), "an origin each")
    _expect(row, "took_ms", row.took_ms is None or _is_duration(row.took_ms), "milliseconds or null")
    _expect(row, "top_score", row.top_score is None or _is_finite(row.top_score), "a finite number or null")
    chances = row.propensities
    _expect(row, "propensities", isinstance(chances, list) and all(map(_is_chance, chances)), "null or above 0 to 1")
    scores = row.scores
    is_list = isinstance(scores, list) and all(score is None or _is_finite(score) for score in scores)
    _expect(row, "scores", scores is None or is_list, "null or a list of finite numbers and nulls")
    by_place = _BY_PLACE if scores is None else (*_BY_PLACE, "scores")
    if len(lengths := {len(getattr(row, name)) for name in by_place}) > 1:
        raise InvalidInput(f"{', '.join(by_place)} have {sorted(lengths)} elements, expected as many of each")
    said = recommendation_id.parse(row.recommendation_id)
    _expect(row, "served_ms", row.served_ms == said.answered_ms, f"{said.answered_ms}, as its recommendation id says")
    _expect(
        row, "recommender", row.recommender == said.recommender, f"{said.recommender}, as its recommendation id says"
    )
    tag = recommendation_id.version_tag(row.model_version)
    _expect(row, "model_version", tag == said.version_tag, "the one that its recommendation id stands for")
    arm_tags = tuple(map(recommendation_id.arm_tag, row.arms))
    _expect(row, "arms", arm_tags == said.arm_tags, "those that its recommendation id stands for")
    return row


def _expect(row: Served, name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise InvalidInput(f"{LINE_KEY}.{name} is {validation.describe(getattr(row, name))}, expected {expected}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_origin(value: str) -> bool:
    return value in (RANKED, FILLED, PINNED, EXPLORED) or (value.startswith(PROMOTED) and value != PROMOTED)


def _is_chance(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and 0 < value <= 1)


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < MAX_TOOK_MS


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def partition_prefix(date: str) -> str:
    """Return the key prefix of one day."""
    return f"{SERVED_PREFIX}{SERVED_PARTITION}={date}/"


def served_date(served_ms: int) -> str:
    """Return the partition of an answer."""
    return event_date(served_ms)
