"""The response to a partially valid call."""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.runtime.errors import InvalidInput


def refuse(refused: Sequence[InvalidInput], *, stored: int, what: str) -> None:
    """Raise an error with every rejected part and the result of the others; do nothing if none was rejected."""
    if refused:
        reasons = "; ".join(map(str, refused))
        raise InvalidInput(f"{reasons} ({stored} of {stored + len(refused)} {what} stored)")
