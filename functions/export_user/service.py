"""Export of a user's data within the limits of one call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from alsolike.profiles.export_state import INSTEAD, Place
from alsolike.profiles.user_export import STAGES, UserData
from alsolike.runtime.errors import TooLarge, Unavailable

MAX_BYTES = 6_000_000
"""Maximum size of a page in bytes.

Lambda returns at most 6 MB (6,291,556 bytes), in which the document is a JSON string.
"""

_ESCAPED = (b'"', b"\\", b"\n")
"""Characters that take two bytes in a JSON string. Documents contain no characters with longer escapes."""

ANSWER_MS = 3_000
"""Time in milliseconds reserved for the response. A search fails if only this time remains."""

PAGE_MS = ANSWER_MS + 1_000
"""Time in milliseconds reserved for the rest of a page. No further object is added in this time."""

END_BYTES = 1_000
"""Size reserved for the token of the next page, in bytes."""


@dataclasses.dataclass(slots=True)
class _Page:
    """Page of one call.

    `size` is the size of the document so far, and `held` the size of the rows that will be added.
    """

    remaining_ms: Callable[[], float]
    after: Place | None
    size: int = 0
    held: int = 0
    objects: int = 0

    def check(self) -> None:
        if self.remaining_ms() <= ANSWER_MS:
            raise Unavailable("the stores did not respond in time; repeat the request")

    def add(self, piece: bytes) -> bytes:
        self.size += _escaped(piece)
        if self.size > MAX_BYTES:
            raise TooLarge(f"the data exceeds the limit of a response ({MAX_BYTES} bytes as a JSON string); {INSTEAD}")
        return piece

    def has_room(self, rows: bytes) -> bool:
        """Return true and count an object if its rows fit into the page.

        Pages after the first contain at least one object. Raise `Unavailable` if there is no time for this first
        object.
        """
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
    """Return a page of the JSON document with a user's stored data. `token` is the `nextToken` of the previous page.

    Raise `TooLarge` if the profile, or the user's rows in one object, exceed the maximum size of a response, and
    `Unavailable` if the stores do not respond in time.
    """
    after = None if token is None else Place.from_token(token, stages=STAGES)
    page = _Page(remaining_ms, after)
    document = dataclasses.replace(data, on_object=page.check).document(user_id, after=after, has_room=page.has_room)
    return b"".join([page.add(piece) for piece in document])


def _escaped(piece: bytes) -> int:
    return len(piece) + sum(piece.count(character) for character in _ESCAPED)
