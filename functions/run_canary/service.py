"""One look at a canary: it goes on, is promoted, or is taken back."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

from alsolike.registry import Registry


class State(StrEnum):
    """What became of a canary."""

    GOING = "going"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What a look found."""

    state: State
    reasons: tuple[str, ...]


def start(version: str, *, reason: str, registry: Registry, now_ms: int) -> Look:
    """Make a version champion."""
    registry.promote(version, reason=reason, now_ms=now_ms)
    return Look(State.PROMOTED, ("there was no trial",))
