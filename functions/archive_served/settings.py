from __future__ import annotations

import dataclasses

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Buckets of the lake and the tombstones."""

    lake_bucket: str
    artefact_bucket: str
    tombstone_check_s: float = defaults.TOMBSTONE_CHECK_S
