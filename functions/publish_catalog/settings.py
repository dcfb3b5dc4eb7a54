"""Settings of publish_catalog."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the snapshot and the lake are, how often to look for news, and what readers of the snapshot can hold."""

    artefact_bucket: str
    lake_bucket: str
    secret_arn: str
    max_snapshot_mb: int
    configuration_check_s: float = 30.0
    tombstone_check_s: float = 5.0
