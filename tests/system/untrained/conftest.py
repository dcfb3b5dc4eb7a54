"""Shop without a model that all tests of this folder share. Each test uses its own users and items."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop


@pytest.fixture(scope="session")
def assembly() -> Path:
    return synthesized(**QUICK)


@pytest.fixture(scope="session")
def shop(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Yield a shop that never trains and whose cloud serves HTTPS."""
    with Shop.booted(assembly, tmp_path_factory.mktemp("shop"), tls=True) as shop:
        yield shop
