"""Fixtures and settings of all tests."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

gc.set_threshold(50_000, 50, 50)  # Python's own thresholds search for cycles for a seventh of the tests' time


def pytest_collection_finish() -> None:
    """Exempt imported modules and collected tests from the search for cycles: they live as long as the process."""
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_counted_before() -> Iterator[None]:
    """Forget what code under test counted outside a handler: the next handler's metrics would carry it."""
    yield
    if observability := sys.modules.get("alsolike.runtime.observability"):
        observability.counters.clear()
        observability.shared_counters.clear()
