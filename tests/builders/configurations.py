"""Configurations for parsers of records, and a source that applies them one after the other."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType, Limits

RATING = dataclasses.replace(DEFAULT, events=MappingProxyType({**DEFAULT.events, "rating": EventType("rating", 2.0)}))
"""Configuration with one event type in addition to the built-in ones."""


def with_clock_skew(seconds: int) -> Configuration:
    return dataclasses.replace(DEFAULT, limits=Limits(clock_skew_s=seconds))


class Applied:
    """Configuration source whose `refresh` applies the next configuration. The last configuration remains."""

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
