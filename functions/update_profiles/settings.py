from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Locations of the profiles, the configuration and the tombstones."""

    profiles_table: str
    artefact_bucket: str
    secret_arn: str
    configuration_check_s: float = 30
    tombstone_check_s: float = 5
