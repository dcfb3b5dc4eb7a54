"""Gathering a user's data within what one call may take."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from alsolike.errors import TooLarge, Unavailable
from alsolike.user_data import UserData

MAX_BYTES = 6_000_000
"""Lambda returns 6 MB (6,291,556 bytes) at most, with the document as a string of JSON in what it returns."""

_ESCAPED = (b'"', b"\\", b"\n")
"""What a string of JSON writes as two bytes; of what it writes as more nothing stands in JSON."""

INSTEAD = "run `alsolike user-data USER > file.json`, which has no such limit"


def export_user(user_id: str, *, data: UserData, has_time: Callable[[], bool]) -> bytes:
    """Return the JSON document of what is held about a user, by the id that is stored.

    Parameters
    ----------
    has_time
        Whether the caller still waits.

    Raises
    ------
    TooLarge
        If the document is larger than an answer may be.
    Unavailable
        If there is more to search than one call has time for, or a store does not answer.
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
