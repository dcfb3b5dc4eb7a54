import gc
import os

import pytest
from hypothesis import HealthCheck, settings

gc.set_threshold(50_000, 50, 50)  # With Python's default, garbage collection takes a seventh of the tests' time.
# No deadline and no check for slow draws, because durations depend on the load of the machine. CI sets SAME_EXAMPLES,
# so that each run of a commit draws the same examples.
settings.register_profile(
    "local cloud",
    deadline=None,
    derandomize="SAME_EXAMPLES" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("local cloud")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of a folder on one worker with `--dist loadgroup`, so that they share a cloud."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.parent.name))
