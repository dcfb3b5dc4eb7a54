"""Fixtures and settings of all tests."""

import gc
import sys

import pytest

# Python's default thresholds spend a seventh of the tests' time on the search for cycles
gc.set_threshold(50_000, 50, 50)


def pytest_collection_finish():
    """Exempt imported modules and collected tests, which live as long as the process, from the search for cycles."""
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_counted_before():
    """Clear counts of code that ran outside a handler. Otherwise, the next handler's metrics would contain them."""
    yield
    if observability := sys.modules.get("alsolike.runtime.observability"):
        observability.counters.clear()
        observability.shared_counters.clear()
