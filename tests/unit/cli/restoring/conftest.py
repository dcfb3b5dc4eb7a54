"""A deployment whose tables have backups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.cli.moto_clients import moto_clients


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    with moto_clients(monkeypatch) as clients:
        yield clients
