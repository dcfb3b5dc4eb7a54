"""The champion pointer: the serving version, its predecessors, the canary, and records of trials and overrides."""

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
class EndedTrial:
    """The record of the latest trial that ended without a promotion.

    Attributes
    ----------
    version, run_id
        Version and workflow run of the canary.
    reason
        Reason, by the supervising workflow or an operator.
    breached
        True if the version failed a test.
    """

    version: str
    run_id: str
    reason: str
    breached: bool = False


@struct
class PromotionHold:
    """A pause of automatic promotions after a manual rollback, because newer versions may have the same fault."""

    reason: str
    since_ms: int

    def __str__(self) -> str:
        since = f"{dt.datetime.fromtimestamp(self.since_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"paused since {since}: {self.reason}; `alsolike models resume` ends the pause"


def check_reason(reason: str) -> None:
    """Raise `InvalidInput` for an empty or blank reason."""
    if not reason.strip():
        raise InvalidInput(f"the reason is {reason!r}, expected words: the history of versions shows it")


MAX_HISTORY = 50


@struct
class Promotion:
    """The promotion of a version to champion.

    Attributes
    ----------
    forced
        True if an operator overrode the gate's rejection of the version.

    Raises
    ------
    ValueError
        If the version's name is invalid, or the time is not an integer, for example after a manual edit of the pointer.
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
    """The champion pointer.

    Attributes
    ----------
    history
        Promotions, latest first; the first one is the promotion of the champion.
    etag
        ETag of the stored object, for conditional writes.
    canary
        The version on trial; None without a trial.
    pinned
        Versions that are never deleted.
    ended
        The end of the latest trial, which the supervising workflow run reads.
    repaired_ms
        Time of the latest repair of a bundle, after which processes reload the version; None without a repair.
    held
        Start and reason of a pause of automatic promotions; None without a pause.
    """

    history: tuple[Promotion, ...]
    etag: str
    canary: Canary | None = None
    pinned: tuple[str, ...] = ()
    ended: EndedTrial | None = None
    held: PromotionHold | None = None
    repaired_ms: int | None = None

    @property
    def version(self) -> str:
        """The champion's version."""
        return self.history[0].version

    @property
    def previous(self) -> str | None:
        """The version that a rollback promotes; None without a predecessor."""
        return next(iter(self.predecessors), None)

    @property
    def is_forced(self) -> bool:
        """True if an operator promoted the champion despite the gate's rejection."""
        return self.history[0].forced

    @property
    def predecessors(self) -> tuple[str, ...]:
        """The versions that successive rollbacks promote, in this order.

        The predecessor of a version is the champion before its first promotion. Versions between the first and the
        latest promotion of a version were rolled back, so they are skipped.
        """
        problems = []
        rest = [promotion.version for promotion in self.history]
        while rest := rest[len(rest) - rest[::-1].index(rest[0]) :]:
            problems.append(rest[0])
        return tuple(problems)

    def promoting(self, promotion: Promotion) -> tuple[Promotion, ...]:
        """Return the history with an additional promotion, truncated to `MAX_HISTORY`."""
        return (promotion, *self.history)[:MAX_HISTORY]

    def restoring(self, version: str, *, reason: str, now_ms: int) -> tuple[Promotion, ...]:
        """Return the history with another promotion of an earlier champion, with the same value of `forced`."""
        earlier = next(promotion for promotion in self.history if promotion.version == version)
        return self.promoting(Promotion(version, now_ms, reason, earlier.forced))

    def ending(self, reason: str, *, breached: bool = False) -> EndedTrial | None:
        """Return the record of the current trial's end; without a current trial, the existing record."""
        canary = self.canary
        return EndedTrial(canary.version, canary.run_id, reason, breached) if canary is not None else self.ended

    @classmethod
    def of(cls, document: Mapping[str, Any], *, etag: str) -> Self | None:
        """Return the pointer from its JSON document; None without promotions.

        Raises
        ------
        ValueError, KeyError, TypeError
            If the document is invalid.
        """
        history = tuple(Promotion(**promotion) for promotion in document["history"])
        canary = Canary(**document["canary"]) if document.get("canary") else None
        pinned = tuple(document.get("pinned", ()))
        ended = EndedTrial(**document["ended"]) if document.get("ended") else None
        held = PromotionHold(**document["held"]) if document.get("held") else None
        repaired_ms = document.get("repaired_ms")
        return cls(history, etag, canary, pinned, ended, held, repaired_ms) if history else None

    def document(self) -> dict[str, Any]:
        """Return the JSON document of the stored pointer."""
        document = dataclasses.asdict(self)
        del document["etag"]
        for promotion in document["history"]:
            if not promotion["forced"]:  # earlier versions of the functions reject the field
                del promotion["forced"]
        return document
