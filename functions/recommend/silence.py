"""Whether S3 is silent: what one look has waited for in vain, the others need not."""

from __future__ import annotations

import time
from collections.abc import Callable

SILENT_S = 1
"""A look that fails after so long was not refused: nobody answered."""


class Silence:
    """What is shared by everything that is looked for in S3 now and then.

    Each look would wait on its own, one after the other in the same request, and for as long as S3 is silent.

    Parameters
    ----------
    lasts_s
        How long nothing else is looked for after a look that nobody answered: an interval of looks.
    clock
        Returns seconds, from any beginning.
    """

    def __init__(self, *, lasts_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lasts_ms = lasts_s * 1000
        self._clock = clock
        self._until_ms = 0.0

    def reigns(self, *, now_ms: int) -> bool:
        """Whether a look would wait in vain."""
        return now_ms < self._until_ms

    def begin_look(self) -> float:
        """Return what `failed` takes of a look that begins now."""
        return self._clock()

    def failed(self, began_s: float, *, now_ms: int) -> None:
        """Note that a look failed; it was silence where it took as long as that."""
        if self._clock() - began_s >= SILENT_S:
            self._until_ms = now_ms + self._lasts_ms

    def end(self) -> None:
        """Note that S3 has answered."""
        self._until_ms = 0.0
