"""Settings of write_recommendations."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the batches are."""

    artefact_bucket: str
