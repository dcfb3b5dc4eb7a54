from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Bucket of the batches, and the secret of the tombstones. `pseudonymise_ids` is 0 or 1."""

    artefact_bucket: str
    secret_arn: str
    pseudonymise_ids: int = 0
