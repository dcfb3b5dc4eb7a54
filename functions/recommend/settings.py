"""Settings of recommend."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where profiles and models are, and how often to look for a new champion."""

    profiles_table: str
    artefact_bucket: str
    champion_check_s: float = 30.0
