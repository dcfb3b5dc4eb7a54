"""Handler that publishes static lists for each new champion or configuration, and on a schedule."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.runtime.aws import client
from alsolike.runtime.observability import instrumented, logger
from alsolike.runtime.settings import from_environment
from alsolike.snapshot.reader import SnapshotReader
from alsolike.trends.store import TrendsReader
from functions.publish_lists.champion_lists import read_champion
from functions.publish_lists.service import StaticLists, publish, static_lists
from functions.publish_lists.settings import Settings

TRENDS_WINDOW = "1d"


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> None:
    """Publish the current state. After an error, Lambda retries."""
    settings = from_environment(Settings, os.environ)
    s3, bucket, now_ms = client("s3"), settings.artefact_bucket, time.time_ns() // 1_000_000
    with tempfile.TemporaryDirectory(prefix="lists-") as name:
        directory = Path(name)

        def read() -> StaticLists:
            configurations = ConfigurationReader(s3, bucket, own_names=True)
            return static_lists(
                read_champion(s3, bucket, directory),
                SnapshotReader(s3, bucket, directory / "catalog").current(now_ms=now_ms),
                configurations.current(now_ms=now_ms),
                trending=[
                    item_id
                    for item_id, _ in TrendsReader(s3, bucket).current(now_ms=now_ms).best(TRENDS_WINDOW, now_ms=now_ms)
                ],
                now_ms=now_ms,
            )

        written = publish(s3, settings.web_bucket, read)
    logger.info("static lists published" if written else "static lists are current")
