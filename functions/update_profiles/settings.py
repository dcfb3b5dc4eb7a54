"""Settings of update_profiles."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the profiles are."""

    profiles_table: str
