"""Settings of run_canary."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where everything is, how a canary is made, and what takes it back.

    Attributes
    ----------
    canary_share_percent, canary_duration_s
        Share of users whom the version on trial answers, 0 for no trial; for how long.
    canary_max_error_percent, canary_max_latency_percent
        How many points more of its answers may fail, and how much slower they may be.
    models_kept
        How many versions stay that nothing else keeps.
    """

    artefact_bucket: str
    lake_bucket: str
    model_package_group: str
    canary_share_percent: int = 10
    canary_duration_s: int = 86_400
    canary_max_error_percent: int = 1
    canary_max_latency_percent: int = 50
    models_kept: int = 10
