"""Settings of publish_catalog."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the snapshot and the lake are, how often to look for a new configuration, and what readers can hold."""

    artefact_bucket: str
    lake_bucket: str
    max_snapshot_mb: int
    configuration_check_s: float = 30.0
