"""Settings of register_model."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where models are kept and registered.

    Attributes
    ----------
    max_bundle_mb
        The largest bundle, unpacked: serving keeps two on its disk while it swaps them, and has as little as 512 MB.
    """

    artefact_bucket: str
    model_package_group: str
    max_bundle_mb: int = 150
