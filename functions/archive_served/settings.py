from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Buckets of the lake and the tombstones."""

    lake_bucket: str
    artefact_bucket: str
    tombstone_check_s: float = 5
