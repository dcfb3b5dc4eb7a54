"""Settings of archive_events."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the lake and the configuration are."""

    lake_bucket: str
    artefact_bucket: str
    configuration_check_s: float = 30
