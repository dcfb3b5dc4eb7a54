from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Buckets, secret and polling intervals."""

    artefact_bucket: str
    secret_arn: str
    configuration_check_s: float = 30
    tombstone_check_s: float = 5
