from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The bucket of the batches."""

    artefact_bucket: str
