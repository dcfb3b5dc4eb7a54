from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of the snapshot and the lake, polling intervals, and the maximum size that readers can hold."""

    artefact_bucket: str
    lake_bucket: str
    secret_arn: str
    max_snapshot_mb: int
    configuration_check_s: float = 30.0
    tombstone_check_s: float = 5.0
