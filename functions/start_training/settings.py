"""Settings of start_training."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where runs keep what they hand on."""

    artefact_bucket: str
