"""Fixtures and settings of all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_counted_before() -> Iterator[None]:
    """Forget what code under test counted outside a handler: the next handler's metrics would carry it."""
    yield
    if observability := sys.modules.get("alsolike.runtime.observability"):
        observability.counters.clear()
