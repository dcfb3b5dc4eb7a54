"""Settings of update_profiles."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the profiles, the configuration and the tombstones are.

    Attributes
    ----------
    remember_mb
        Memory for profiles that were written last.
    """

    profiles_table: str
    artefact_bucket: str
    secret_arn: str
    configuration_check_s: float = 30
    tombstone_check_s: float = 5
    remember_mb: int = 96
