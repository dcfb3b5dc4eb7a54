"""Settings of update_profiles."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the profiles and the configuration are.

    Attributes
    ----------
    remember_mb
        Memory for profiles that were written last.
    """

    profiles_table: str
    artefact_bucket: str
    configuration_check_s: float = 30
    remember_mb: int = 96
