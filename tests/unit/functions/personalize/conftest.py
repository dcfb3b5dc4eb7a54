from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functions.personalize.client import Clock, client_at, deploy


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now_s)
    monkeypatch.setattr(time, "time_ns", lambda: int(clock.now_s * 1e9))
    return clock


@pytest.fixture
def personalize(aws: Callable[[str], Any], artefact_bucket: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return boto3's client of an empty control plane."""
    deploy(aws, artefact_bucket, monkeypatch)
    return client_at(clock)
