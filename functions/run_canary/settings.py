"""Settings of run_canary."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the pointer is."""

    artefact_bucket: str
