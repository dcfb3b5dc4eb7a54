"""Windows of trending items. This module does not import numpy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

WINDOWS: Mapping[str, int] = MappingProxyType({"30m": 1_800, "1h": 3_600, "3h": 10_800, "1d": 86_400})
"""Time constant of each window in seconds, by the name in requests."""

DEFAULT_WINDOW = "1h"
