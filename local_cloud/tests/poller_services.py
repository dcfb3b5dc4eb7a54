from typing import Any
from unittest.mock import Mock

from local_cloud.sources.poller import PollerServices


def poller_services(**given: Any) -> PollerServices:
    """Return services of which a test gives those that its poller calls."""
    return PollerServices(**(dict.fromkeys(PollerServices.__slots__, Mock()) | given))
