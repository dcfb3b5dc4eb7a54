from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.functions.recommend.deployment import Deployment


@pytest.fixture
def deployment(aws: Callable[[str], Any], artefact_bucket: str, tmp_path: Path) -> Deployment:
    return Deployment(aws("s3"), artefact_bucket, tmp_path)
