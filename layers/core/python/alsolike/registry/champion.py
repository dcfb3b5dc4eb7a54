"""The champion pointer: the serving version, its predecessors, the canary, and notes of its trials and operators."""

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
    """The end of the latest trial, unless it promoted the version.

    Attributes
    ----------
    version, run_id
        Of the canary.
    reason
        The reason, from the trial or a person.
    breached
        True if the version failed a test.
    """

    version: str
    run_id: str
    reason: str
    breached: bool = False


@struct
class PromotionHold:
    """A hold after a person's rollback: newer versions, which may have the same fault, wait for a person."""

    reason: str
    since_ms: int

    def __str__(self) -> str:
        since = f"{dt.datetime.fromtimestamp(self.since_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"paused since {since}: {self.reason}; `alsolike models resume` ends the pause"


def check_reason(reason: str) -> None:
    """Raise an error for a blank reason.

    Raises
    ------
    InvalidInput
        If it is empty or blank.
    """
    if not reason.strip():
        raise InvalidInput(f"the reason is {reason!r}, expected words: the history of versions shows it")


MAX_HISTORY = 50


@struct
class Promotion:
    """One version becoming champion.

    Attributes
    ----------
    forced
        True if an operator overrode the gate's rejection of the version.

    Raises
    ------
    ValueError
        If no version is called so, or the time is no whole number: the pointer may have been written by hand.
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
    """The pointer.

    Attributes
    ----------
    history
        Promotions, the latest first; its first is the champion.
    etag
        Of the stored object; the condition of a write.
    canary
        The version on trial next to the champion, if any.
    pinned
        Versions that are kept at any age.
    ended
        The end of the latest trial, for the run that supervised it.
    repaired_ms
        Time of the latest repair of a bundle, after which processes load the version again; None without a repair.
    held
        Start and reason of a hold, during which only people promote versions; None for automatic promotion.
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
        """The version that serves."""
        return self.history[0].version

    @property
    def previous(self) -> str | None:
        """The version that a rollback makes champion, if any."""
        return next(iter(self.predecessors), None)

    @property
    def is_forced(self) -> bool:
        """True if the gate rejected the version that serves."""
        return self.history[0].forced

    @property
    def predecessors(self) -> tuple[str, ...]:
        """The versions that one rollback after the other makes champion, the nearest first.

        Each served immediately before the next one's first promotion. Versions between a version's first and latest
        promotion were rolled back and are skipped.
        """
        problems = []
        rest = [promotion.version for promotion in self.history]
        while rest := rest[len(rest) - rest[::-1].index(rest[0]) :]:
            problems.append(rest[0])
        return tuple(problems)

    def promoting(self, promotion: Promotion) -> tuple[Promotion, ...]:
        """Return the history with another promotion."""
        return (promotion, *self.history)[:MAX_HISTORY]

    def restoring(self, version: str, *, reason: str, now_ms: int) -> tuple[Promotion, ...]:
        """Return the history with another promotion of an earlier champion, which stays forced if it was."""
        earlier = next(promotion for promotion in self.history if promotion.version == version)
        return self.promoting(Promotion(version, now_ms, reason, earlier.forced))

    def ending(self, reason: str, *, breached: bool = False) -> EndedTrial | None:
        """Return the note of a trial's end: of the current trial, else of the latest."""
        canary = self.canary
        return EndedTrial(canary.version, canary.run_id, reason, breached) if canary is not None else self.ended

    @classmethod
    def of(cls, document: Mapping[str, Any], *, etag: str) -> Self | None:
        """Parse the result of `document`; None if no version was ever promoted.

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
        """Return the stored form."""
        document = dataclasses.asdict(self)
        del document["etag"]
        for promotion in document["history"]:
            if not promotion["forced"]:  # functions of an earlier version do not know the field
                del promotion["forced"]
        return document
