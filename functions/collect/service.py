"""Taking in events and items: read the whole call, then store it, or refuse it with nothing stored."""

from __future__ import annotations

from collections.abc import Callable

from alsolike.catalog import CatalogueStore, parse_put_items
from alsolike.errors import InvalidInput
from alsolike.put_events import parse_put_events
from functions.collect.stream import EventStream

MAX_EVENTS_BYTES = 1_000_000
MAX_ITEMS_BYTES = 4_000_000


def put_events(body: bytes, *, stream: EventStream, now_ms: int, remaining_ms: Callable[[], float]) -> int:
    """Put the call's events on the stream; return how many.

    Raises
    ------
    InvalidInput
        If the body breaks the contract; nothing is stored.
    Unavailable
        If the stream did not take all of them.
    """
    _check_size(body, maximum=MAX_EVENTS_BYTES)
    call = parse_put_events(body, now_ms=now_ms)
    if call.interactions:
        stream.put(call.interactions, remaining_ms=remaining_ms)
    if call.refused:
        raise InvalidInput("; ".join(map(str, call.refused)))
    return len(call.interactions)


def put_items(body: bytes, *, catalogue: CatalogueStore, now_ms: int) -> int:
    """Write the call's items to the catalogue; return how many.

    Raises
    ------
    InvalidInput
        If the body breaks the contract; nothing is stored.
    Unavailable
        If the catalogue did not take all of them; the same call may be repeated.
    """
    _check_size(body, maximum=MAX_ITEMS_BYTES)
    return catalogue.put(parse_put_items(body), now_ms=now_ms)


def _check_size(body: bytes, *, maximum: int) -> None:
    if len(body) > maximum:
        raise InvalidInput(f"body has {len(body)} bytes, expected at most {maximum}")
