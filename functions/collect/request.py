"""A request to collect, for its routes."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from alsolike.api.path_ids import path_id
from alsolike.contract.http import request_body
from alsolike.contract.queries import PAGE, USUAL_PAGE, read_query
from alsolike.events.session_tokens import Session, session_of
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.observability import Metric, count
from alsolike.signing.admission import SIGNED_BY


@dataclasses.dataclass(frozen=True, slots=True)
class CollectRequest:
    """A request with its deadline.

    Attributes
    ----------
    remaining_ms
        Returns the time left.
    correlation_id
        Links the request's log lines and records (`alsolike.runtime.observability`).
    """

    event: Mapping[str, Any]
    now_ms: int
    remaining_ms: Callable[[], float]
    correlation_id: str | None = None

    def body(self, *, maximum: int) -> bytes:
        """Return the body.

        Raises
        ------
        InvalidInput
            If it has more than `maximum` bytes, or cannot be read.
        """
        return request_body(self.event, max_bytes=maximum)

    def path_id(self, name: str) -> str:
        """Return the id in the path; see `alsolike.api.path_ids`."""
        return path_id(self.event, name)

    @property
    def is_signed(self) -> bool:
        """True for a signed request, as clients of Amazon Personalize send."""
        return SIGNED_BY in self.event

    @property
    def session(self) -> Session:
        """The user and session of the token, on a route for browsers."""
        return session_of(self.event)

    def page(self) -> tuple[int, str | None]:
        """Return a page's maximum number of rows and its start token, which is None for the first page."""
        query = read_query(self.event, PAGE)
        return query.get("limit", USUAL_PAGE), query.get("nextToken")


@contextlib.contextmanager
def counting_rejected_calls() -> Iterator[None]:
    """Count a call with events that is rejected as a whole as one rejected event, because its events are unknown."""
    try:
        yield
    except (InvalidInput, NotFound):
        count(Metric.EVENTS_REJECTED)
        raise


def refuse(refused: Sequence[InvalidInput], *, stored: int, what: str) -> None:
    """Raise an error with every rejected part and the result of the others; do nothing if none was rejected."""
    if refused:
        reasons = "; ".join(map(str, refused))
        raise InvalidInput(f"{reasons} ({stored} of {stored + len(refused)} {what} stored)")
