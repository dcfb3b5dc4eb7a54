"""Settings of all tests."""

import gc

import pytest
from hypothesis import settings

gc.set_threshold(50_000, 50, 50)  # Python's own thresholds search for cycles for a seventh of the tests' time
settings.register_profile("busy machine", deadline=None)  # the machine decides how long an example takes
settings.load_profile("busy machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of a folder on one worker with `--dist loadgroup`: they share a cloud."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.parent.name))
