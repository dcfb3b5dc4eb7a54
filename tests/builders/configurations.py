"""Configurations to read records by, applied in turn."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType, Limits

RATING = dataclasses.replace(DEFAULT, events=MappingProxyType({**DEFAULT.events, "rating": EventType("rating", 2.0)}))
"""Knows one event type more than what is built in."""


def with_clock_skew(seconds: int) -> Configuration:
    return dataclasses.replace(DEFAULT, limits=Limits(clock_skew_s=seconds))


class Applied:
    """A source whose looks find one configuration after the other; the last one stays."""

    def __init__(self, first: Configuration = DEFAULT, *later: Configuration) -> None:
        self._holds = first
        self._later = list(later)
        self.looks = 0

    def current(self, *, now_ms: int) -> Configuration:
        return self._holds

    def refresh(self, *, now_ms: int) -> Configuration:
        self.looks += 1
        if self._later:
            self._holds = self._later.pop(0)
        return self._holds
