"""Settings of register_model."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where models are kept and registered."""

    artefact_bucket: str
    model_package_group: str
