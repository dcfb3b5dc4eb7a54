"""The collection of a user's data within the limits of one call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from alsolike.errors import TooLarge, Unavailable
from alsolike.user_data import UserData

MAX_BYTES = 6_000_000
"""Maximum size: Lambda returns at most 6 MB (6,291,556 bytes), with the document as a string of JSON."""

_ESCAPED = (b'"', b"\\", b"\n")
"""The characters that take two bytes in a string of JSON. Documents have no characters with longer escapes."""

INSTEAD = "run `alsolike user-data USER > file.json`, which has no such limit"


def export_user(user_id: str, *, data: UserData, has_time: Callable[[], bool]) -> bytes:
    """Return the JSON document of a user's stored data, by the stored id.

    Parameters
    ----------
    has_time
        Returns true while the caller still waits.

    Raises
    ------
    TooLarge
        If the document exceeds the maximum size of a response.
    Unavailable
        If the search takes longer than one call, or a store does not answer.
    """

    def check() -> None:
        if not has_time():
            raise Unavailable(f"there is more to search than one call has time for; {INSTEAD}")

    pieces, size = [], 0
    for piece in dataclasses.replace(data, on_object=check).document(user_id):
        pieces.append(piece)
        size += len(piece) + sum(piece.count(each) for each in _ESCAPED)
        if size > MAX_BYTES:
            raise TooLarge(f"the data is larger than an answer may be ({MAX_BYTES} bytes as JSON in JSON); {INSTEAD}")
    return b"".join(pieces)
