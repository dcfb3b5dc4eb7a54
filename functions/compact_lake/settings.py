from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Locations of the lake, the configuration and the tombstones."""

    lake_bucket: str
    artefact_bucket: str
    secret_arn: str
