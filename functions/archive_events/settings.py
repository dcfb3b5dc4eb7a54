"""Settings of archive_events."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the lake is."""

    lake_bucket: str
