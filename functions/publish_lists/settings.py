from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of the model, the catalogue and the trends, and the bucket of the pages."""

    artefact_bucket: str
    web_bucket: str
