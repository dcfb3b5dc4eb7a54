"""The correlation id, which identifies a request in logs, on the stream and in the lake.

It is the caller's, from the header `x-correlation-id`, or else the API's own id of the request. It identifies no
person: the caller's id may have only a few characters of a limited set, and others are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from alsolike.events.stream import StreamRecord
from alsolike.runtime.observability import invocation

HEADER = "x-correlation-id"
MAX_CHARACTERS = 64
"""A UUID has 36, W3C's traceparent 55."""
MAX_LOGGED = 10
"""Maximum number of ids in a line of a consumer's log."""
_WELL_FORMED = re.compile(rf"[A-Za-z0-9._=:-]{{1,{MAX_CHARACTERS}}}", re.ASCII)


def correlate(event: Mapping[str, Any]) -> str | None:
    """Return a request's correlation id, and add it to every later line of the log.

    Return None, and add nothing, if the event is no request to the API.
    """
    correlation_id = _well_formed((event.get("headers") or {}).get(HEADER)) or _well_formed(
        (event.get("requestContext") or {}).get("requestId")
    )
    invocation.correlation_id = correlation_id
    return correlation_id


def correlation_ids(records: Iterable[StreamRecord]) -> tuple[str, ...]:
    """Return the ids of otherwise unreadable records, each once, without malformed ids."""
    ids: dict[str, None] = {}
    for record in records:
        try:
            fields = orjson.loads(record.data)
        except orjson.JSONDecodeError:
            continue
        if isinstance(fields, dict) and (correlation_id := _well_formed(fields.get("correlation_id"))):
            ids[correlation_id] = None
    return tuple(ids)


def _well_formed(text: Any) -> str | None:
    return text if isinstance(text, str) and _WELL_FORMED.fullmatch(text) else None
