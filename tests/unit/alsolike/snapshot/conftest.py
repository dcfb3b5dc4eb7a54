"""Publisher and reader on one bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alsolike.runtime.polling import Polling
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.reader import SnapshotReader
from alsolike.snapshot.store import SnapshotStore
from tests.fakes.places import create_bucket
from tests.unit.alsolike.snapshot.publications import (
    BUCKET,
)


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    made = aws("s3")
    create_bucket(made, BUCKET)
    return made


@pytest.fixture
def publisher(s3: Any, tmp_path: Path) -> SnapshotPublisher:
    return SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "publisher"), young_rows=4)


@pytest.fixture
def reader(s3: Any, tmp_path: Path) -> SnapshotReader:
    return SnapshotReader(s3, BUCKET, tmp_path / "reader", polling=Polling(0))
