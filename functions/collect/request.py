"""Requests to the routes of `collect`."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from alsolike.api.path_ids import path_id
from alsolike.declarations.metrics import Metric
from alsolike.declarations.shared_defaults import DEFAULT_PAGE_SIZE
from alsolike.events.session_tokens import Session, session_of
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.http import request_body
from alsolike.runtime.observability import count
from alsolike.schema.queries import PAGE, read_query
from alsolike.signing.signed_requests import SIGNED_BY


@dataclasses.dataclass(frozen=True, slots=True)
class CollectRequest:
    """Request with its deadline.

    `agent` is the program that the caller declares in a header; None without the header.
    """

    event: Mapping[str, Any]
    now_ms: int
    remaining_ms: Callable[[], float]
    correlation_id: str | None = None
    agent: str | None = None

    def body(self, *, maximum: int) -> bytes:
        return request_body(self.event, max_bytes=maximum)

    def path_id(self, name: str) -> str:
        return path_id(self.event, name)

    @property
    def is_signed(self) -> bool:
        """True for a signed request, as sent by clients of Amazon Personalize."""
        return SIGNED_BY in self.event

    @property
    def session(self) -> Session:
        return session_of(self.event)

    def page(self) -> tuple[int, str | None]:
        """Return the page's maximum number of rows, and its start token, which is None for the first page."""
        query = read_query(self.event, PAGE)
        return query.get("limit", DEFAULT_PAGE_SIZE), query.get("nextToken")


@contextlib.contextmanager
def counting_rejected_calls() -> Iterator[None]:
    """Count a rejected request as one rejected event, because its number of events is unknown."""
    try:
        yield
    except (InvalidInput, NotFound):
        count(Metric.EVENTS_REJECTED)
        raise


def refuse(refused: Sequence[InvalidInput], *, stored: int, noun: str) -> None:
    """Raise an error that lists all rejected elements and the number of stored ones.

    Do nothing if none was rejected.
    """
    if refused:
        reasons = "; ".join(map(str, refused))
        raise InvalidInput(f"{reasons} ({stored} of {stored + len(refused)} {noun} stored)")
