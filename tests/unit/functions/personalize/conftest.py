import datetime as dt
import time

import pytest

from tests.unit.functions.personalize.client import Clock, client_at, deploy


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now_s)
    monkeypatch.setattr(time, "time_ns", lambda: int(clock.now_s * 1e9))
    return clock


@pytest.fixture
def personalize(aws, cloud, artefact_bucket, clock, monkeypatch):
    monkeypatch.setattr(cloud.step_functions, "now", lambda: dt.datetime.fromtimestamp(clock.now_s, dt.UTC))
    deploy(aws, monkeypatch)
    return client_at(clock)
