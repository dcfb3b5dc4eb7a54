"""Actions for next best action, stored in one S3 object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import starmap
from typing import Any

import orjson

from alsolike.catalogue.rows import RowKind
from alsolike.declarations.limits import MAX_ACTION_COLUMNS, MAX_ACTION_PROPERTIES_CHARACTERS, MAX_ACTIONS
from alsolike.declarations.storage import ACTIONS_KEY
from alsolike.events.interactions import MAX_TIME_MS
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import Content, S3Object
from alsolike.runtime.struct import struct
from alsolike.schema import validation

MAX_DOCUMENT_BYTES = 8_000_000

VALUE, EXPIRES, REPEAT_DAYS = "value", "actionExpirationTimestamp", "repeatFrequency"
"""Reserved columns: value of an action, end of its validity, and number of days before it may be repeated."""

_ATTEMPTS = 8
_REPAIR = "repair it with `alsolike models repair`"


@struct
class Action:
    """An action, such as an offer or a sign-up. `properties` are the metadata columns by name in camelCase."""

    action_id: str
    properties: Mapping[str, Any]

    @property
    def value(self) -> float:
        """Factor by which the propensity is multiplied to rank actions."""
        return _number(self.properties, VALUE, 1.0)

    @property
    def expires_s(self) -> float:
        """Time from which the action is not recommended, in epoch seconds."""
        return _number(self.properties, EXPIRES, float("inf"))

    @property
    def repeat_days(self) -> float:
        """Number of days without recommendations of the action after the user's latest interaction with it."""
        return _number(self.properties, REPEAT_DAYS, 0.0)


def check_action(action: Action, where: str = "") -> None:
    for name in (VALUE, EXPIRES, REPEAT_DAYS):
        number = validation.optional_number(action.properties, name, where=where)
        if number is not None and number < 0:
            raise InvalidInput(f"{where}{name} is {number:g}, expected at least 0")
        # A time in milliseconds would never expire.
        if name == EXPIRES and number is not None and number > MAX_TIME_MS / 1000:
            raise InvalidInput(f"{where}{name} is {number:.15g}, expected seconds since 1970, before the year 10000")


ACTIONS = RowKind(
    "action", "actions", "actionId", "action_id", MAX_ACTION_PROPERTIES_CHARACTERS, MAX_ACTION_COLUMNS, make=Action,
    check=check_action,
)  # fmt: skip


@struct
class StoredActions:
    actions: tuple[Action, ...] = ()
    unreadable: tuple[str, ...] = ()


class ActionStore:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._stored = S3Object(client, bucket, ACTIONS_KEY)

    def put(self, actions: Iterable[Action], *, now_ms: int) -> None:
        """Store actions, replacing actions with the same IDs. Unreadable entries are removed.

        Expired actions are removed if more than `MAX_ACTIONS` would be stored.
        """
        new = {action.action_id: action.properties for action in actions}

        def change(content: Content | None) -> tuple[None, bytes]:
            earlier = parse_actions(content.body).actions if content else ()
            merged = {**{action.action_id: action.properties for action in earlier}, **new}
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

    def replace(self, actions: Iterable[Action]) -> None:
        document = {action.action_id: dict(action.properties) for action in actions}
        self._stored.write(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))

    def read(self) -> StoredActions:
        """Return all actions, and log the IDs of unreadable entries."""
        content = self._stored.read()
        stored = StoredActions() if content is None else parse_actions(content.body)
        if stored.unreadable:
            logger.error(f"{ACTIONS_KEY} has entries that are not actions; {_REPAIR}", action_ids=stored.unreadable)
        return stored

    def all(self) -> list[Action]:
        return list(self.read().actions)


def parse_actions(body: bytes) -> StoredActions:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{ACTIONS_KEY} is unreadable: {error}; {_REPAIR}") from error
    if not isinstance(document, dict):
        raise Unavailable(f"{ACTIONS_KEY} is {validation.describe(document)}, expected an object; {_REPAIR}")
    actions: list[Action] = []
    unreadable: list[str] = []
    for action_id, properties in sorted(document.items()):
        try:
            action = Action(action_id, validation.as_object(properties, where=action_id))
            check_action(action)
        except InvalidInput:
            unreadable.append(action_id)
        else:
            actions.append(action)
    return StoredActions(tuple(actions), tuple(unreadable))


def _number(properties: Mapping[str, Any], name: str, default: float) -> float:
    value = properties.get(name)
    return float(value) if isinstance(value, int | float) else default
