from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import MemoryCloud
from tests.unit.functions.monitor_models.shop import MonitoredShop, places


@pytest.fixture
def shop(
    aws: Callable[[str], Any],
    cloud: MemoryCloud,
    lake_bucket: str,
    artefact_bucket: str,
    profiles_table: str,
    tmp_path: Path,
) -> MonitoredShop:
    made = places(aws, lake_bucket=lake_bucket, artefact_bucket=artefact_bucket, path=tmp_path)
    return MonitoredShop(aws, cloud, made)
