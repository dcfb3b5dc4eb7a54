"""The answer to a call of which some parts are good."""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.errors import InvalidInput


def refuse(refused: Sequence[InvalidInput], *, stored: int, what: str) -> None:
    """Name every refused part, and say what became of the others; nothing if none was refused.

    Raises
    ------
    InvalidInput
        If any was.
    """
    if refused:
        reasons = "; ".join(map(str, refused))
        raise InvalidInput(f"{reasons} ({stored} of {stored + len(refused)} {what} stored)")
