"""The collection of a user's data within the limits of one call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from alsolike.profiles.export_state import INSTEAD, Place
from alsolike.profiles.user_data import STAGES, UserData
from alsolike.runtime.errors import TooLarge, Unavailable

MAX_BYTES = 6_000_000
"""Maximum size: Lambda returns at most 6 MB (6,291,556 bytes), with the document as a string of JSON."""

_ESCAPED = (b'"', b"\\", b"\n")
"""The characters that take two bytes in a string of JSON. Documents have no characters with longer escapes."""

ANSWER_MS = 3_000
"""Time that is left for the answer when the search stops."""

PAGE_MS = ANSWER_MS + 1_000
"""Time that is left when a page ends."""

END_BYTES = 1_000
"""Room for the token of the next page."""


@dataclasses.dataclass(slots=True)
class _Page:
    """The page of one call.

    Attributes
    ----------
    size, held
        Bytes of the document so far, and of the rows that it will get.
    objects
        Number of objects.
    """

    remaining_ms: Callable[[], float]
    after: Place | None
    size: int = 0
    held: int = 0
    objects: int = 0

    def check(self) -> None:
        if self.remaining_ms() <= ANSWER_MS:
            raise Unavailable("the stores did not answer in time; repeat the request")

    def add(self, piece: bytes) -> bytes:
        self.size += _escaped(piece)
        if self.size > MAX_BYTES:
            raise TooLarge(f"the data is larger than an answer may be ({MAX_BYTES} bytes as JSON in JSON); {INSTEAD}")
        return piece

    def has_room(self, rows: bytes) -> bool:
        """Count an object, unless the page ends before it; a later page has at least one."""
        is_first = self.after is not None and not self.objects
        if self.remaining_ms() <= PAGE_MS:
            if is_first:
                raise Unavailable("there was no time to read an object; repeat the request")
            return False
        size = _escaped(rows) + 1 if rows else 0
        if self.size + self.held + size + END_BYTES > MAX_BYTES and not is_first:
            return False
        self.held += size
        self.objects += 1
        return True


def export_user(user_id: str, *, data: UserData, remaining_ms: Callable[[], float], token: str | None = None) -> bytes:
    """Return a page of the JSON document of a user's stored data, by the stored id.

    Parameters
    ----------
    remaining_ms
        Returns the time that is left for the call.
    token
        The previous page's `nextToken`.

    Raises
    ------
    InvalidInput
        If no page has returned the token, or its export has ended.
    TooLarge
        If the profile, or the user's rows in one object, exceed the maximum size of a response.
    """
    after = None if token is None else Place.of_token(token, stages=STAGES)
    page = _Page(remaining_ms, after)
    document = dataclasses.replace(data, on_object=page.check).document(user_id, after=after, has_room=page.has_room)
    return b"".join([page.add(piece) for piece in document])


def _escaped(piece: bytes) -> int:
    return len(piece) + sum(piece.count(character) for character in _ESCAPED)
