"""Actions for next best action: all of them in one S3 object, which training and serving read at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import starmap
from typing import Any

import orjson

from alsolike.catalogue.rows import RowKind
from alsolike.contract import validation
from alsolike.declarations.storage import ACTIONS_KEY
from alsolike.events.interactions import MAX_TIME_MS
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import Content, S3Object
from alsolike.runtime.struct import struct

MAX_ACTIONS = 1_000
"""Personalize's limit."""
MAX_DOCUMENT_BYTES = 8_000_000

VALUE, EXPIRES, REPEAT_DAYS = "value", "actionExpirationTimestamp", "repeatFrequency"
"""Columns with a meaning: the value of an action, the end of its validity, and the days until it is repeated."""

_ATTEMPTS = 8
_MAX_PROPERTIES_CHARACTERS = 32_000
_MAX_COLUMNS = 20


@struct
class Action:
    """An action, such as an offer or a sign-up.

    Attributes
    ----------
    properties
        Metadata columns by name in camelCase.
    """

    action_id: str
    properties: Mapping[str, Any]

    @property
    def value(self) -> float:
        """Factor of its propensity in the order of an answer."""
        return _number(self.properties, VALUE, 1.0)

    @property
    def expires_s(self) -> float:
        """Time from which it is not recommended, epoch seconds."""
        return _number(self.properties, EXPIRES, float("inf"))

    @property
    def repeat_days(self) -> float:
        """Days after the user's latest interaction during which it is not recommended."""
        return _number(self.properties, REPEAT_DAYS, 0.0)


def check_action(action: Action, where: str = "") -> None:
    """Raise an error if a column with a meaning has an invalid value.

    Raises
    ------
    InvalidInput
        Naming the column.
    """
    for name in (VALUE, EXPIRES, REPEAT_DAYS):
        number = validation.optional_number(action.properties, name, where=where)
        if number is not None and number < 0:
            raise InvalidInput(f"{where}{name} is {number:g}, expected at least 0")
        if name == EXPIRES and number is not None and number > MAX_TIME_MS / 1000:  # milliseconds would never expire
            raise InvalidInput(f"{where}{name} is {number:.15g}, expected seconds since 1970, before the year 10000")


ACTIONS = RowKind(
    "action", "actions", "actionId", "action_id", _MAX_PROPERTIES_CHARACTERS, _MAX_COLUMNS, make=Action,
    check=check_action,
)  # fmt: skip


class ActionStore:
    """The object with all actions.

    Parameters
    ----------
    client
        A low-level S3 client.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._stored = S3Object(client, bucket, ACTIONS_KEY)

    def put(self, actions: Iterable[Action], *, now_ms: int) -> None:
        """Store actions in place of those with their IDs; expired ones are removed if there would be too many.

        Raises
        ------
        InvalidInput
            If there would be too many, or the object would be too large.
        """
        new = {action.action_id: dict(action.properties) for action in actions}

        def change(content: Content | None) -> tuple[None, bytes]:
            merged = {**_document(content), **new}
            if len(merged) > MAX_ACTIONS:
                valid = (action for action in starmap(Action, merged.items()) if action.expires_s * 1000 > now_ms)
                merged = {action.action_id: action.properties for action in valid}
            if len(merged) > MAX_ACTIONS:
                raise InvalidInput(f"there would be {len(merged):,} actions, expected at most {MAX_ACTIONS:,}")
            body = orjson.dumps(merged, option=orjson.OPT_SORT_KEYS)
            if len(body) > MAX_DOCUMENT_BYTES:
                raise InvalidInput(f"all actions would have {len(body):,} bytes, expected {MAX_DOCUMENT_BYTES:,}")
            return None, body

        self._stored.update(change, attempts=_ATTEMPTS)

    def all(self) -> list[Action]:
        """Return all actions, by ID."""
        return list(starmap(Action, sorted(_document(self._stored.read()).items())))


def _document(content: Content | None) -> dict[str, Any]:
    if content is None:
        return {}
    try:
        document = orjson.loads(content.body)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{ACTIONS_KEY} is unreadable: {error}") from error
    return dict(document)


def _number(properties: Mapping[str, Any], name: str, default: float) -> float:
    value = properties.get(name)
    return float(value) if isinstance(value, int | float) else default
