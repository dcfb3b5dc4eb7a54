"""Champion pointer: latest promotions, canary, pinned versions, and a pause of automatic promotions."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Self

from alsolike.registry.canary import Canary
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.names import MODEL_VERSION, MODEL_VERSION_FORM
from alsolike.runtime.struct import struct


@struct
class EndedCanary:
    """Record of a canary that ended without a promotion.

    Attributes
    ----------
    reason
        Reason that the supervising workflow or an operator gave.
    breached
        True if the version failed a test.
    """

    version: str
    run_id: str
    reason: str
    breached: bool = False


@struct
class PromotionHold:
    """Pause of automatic promotions after a manual rollback, because newer versions may have the same fault."""

    reason: str
    since_ms: int

    def __str__(self) -> str:
        since = f"{dt.datetime.fromtimestamp(self.since_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"paused since {since}: {self.reason}; `alsolike models resume` ends the pause"


def check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput(f"the reason is {reason!r}, expected a text for the history of versions")


MAX_HISTORY = 50


@struct
class Promotion:
    """Promotion of a version to champion.

    Attributes
    ----------
    forced
        True if an operator overrode the gate's rejection of the version.
    """

    version: str
    promoted_ms: int
    reason: str
    forced: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.version, str) or not MODEL_VERSION.fullmatch(self.version):
            raise ValueError(f"the version is {self.version!r}, expected {MODEL_VERSION_FORM}")
        if type(self.promoted_ms) is not int:
            raise ValueError(f"promoted_ms is {self.promoted_ms!r}, expected a whole number")


@struct
class Champion:
    """Content of the champion pointer.

    Attributes
    ----------
    history
        Latest `MAX_HISTORY` promotions, latest first. The first one is the promotion of the champion.
    pinned
        Versions that are never deleted automatically.
    ended
        Latest record of a canary that ended without a promotion; None without a record.
    repaired_ms
        Time of the latest repair of a bundle; None if there was none. Writing it changes the ETag of the pointer, so
        that processes try a damaged version again. A loaded version is not reloaded.
    held
        Start and reason of a pause of automatic promotions; None if they are not paused.
    """

    history: tuple[Promotion, ...]
    etag: str
    canary: Canary | None = None
    pinned: tuple[str, ...] = ()
    ended: EndedCanary | None = None
    held: PromotionHold | None = None
    repaired_ms: int | None = None

    @property
    def version(self) -> str:
        return self.history[0].version

    @property
    def previous(self) -> str | None:
        return next(iter(self.predecessors), None)

    @property
    def is_forced(self) -> bool:
        return self.history[0].forced

    @property
    def predecessors(self) -> tuple[str, ...]:
        """Versions that successive rollbacks promote, in this order.

        The predecessor of a version is the champion before its first promotion. Versions between the first and the
        latest promotion of a version are skipped, because the latest promotion replaced them.
        """
        versions = []
        rest = [promotion.version for promotion in self.history]
        while rest := rest[len(rest) - rest[::-1].index(rest[0]) :]:
            versions.append(rest[0])
        return tuple(versions)

    def promoting(self, promotion: Promotion) -> tuple[Promotion, ...]:
        return (promotion, *self.history)[:MAX_HISTORY]

    def restoring(self, version: str, *, reason: str, now_ms: int) -> tuple[Promotion, ...]:
        """Return the history with a new promotion of an earlier champion.

        The new promotion has the value `forced` of that champion's latest promotion.
        """
        earlier = next(promotion for promotion in self.history if promotion.version == version)
        return self.promoting(Promotion(version, now_ms, reason, earlier.forced))

    def ending(self, reason: str, *, breached: bool = False) -> EndedCanary | None:
        """Return a record of the end of the current canary, or the existing record if no canary is running."""
        canary = self.canary
        return EndedCanary(canary.version, canary.run_id, reason, breached) if canary is not None else self.ended

    @classmethod
    def of(cls, document: Mapping[str, Any], *, etag: str) -> Self | None:
        """Parse the JSON document of the pointer. Return None if it contains no promotions."""
        history = tuple(Promotion(**promotion) for promotion in document["history"])
        canary = Canary(**document["canary"]) if document.get("canary") else None
        pinned = tuple(document.get("pinned", ()))
        ended = EndedCanary(**document["ended"]) if document.get("ended") else None
        held = PromotionHold(**document["held"]) if document.get("held") else None
        repaired_ms = document.get("repaired_ms")
        return cls(history, etag, canary, pinned, ended, held, repaired_ms) if history else None

    def document(self) -> dict[str, Any]:
        document = dataclasses.asdict(self)
        del document["etag"]
        for promotion in document["history"]:
            if not promotion["forced"]:  # Earlier versions of the functions reject `forced`.
                del promotion["forced"]
        return document
