"""Tests of a folder share a booted cloud, so they run on one worker of pytest-xdist."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Distribution of whole folders over the workers of pytest-xdist."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Distribute folders with `--dist loadscope`."""
    return FolderScheduling(config, log) if config.getvalue("dist") == "loadscope" else None
