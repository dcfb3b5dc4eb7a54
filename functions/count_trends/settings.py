"""Settings of count_trends."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the counters, the configuration and the tombstones are."""

    artefact_bucket: str
    secret_arn: str
    configuration_check_s: float = 30
    tombstone_check_s: float = 5
