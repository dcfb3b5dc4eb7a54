from __future__ import annotations

import dataclasses

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores, settings and limits of the canary.

    The share is 0 to disable canaries. The error limit is in percentage points, the latency limit in percent.
    `models_kept` is the number of unprotected versions to keep.
    """

    artefact_bucket: str
    lake_bucket: str
    model_package_group: str
    attribute_outcomes_function: str
    canary_share_percent: int = defaults.CANARY_SHARE_PERCENT
    canary_duration_s: int = defaults.CANARY_DURATION_S
    canary_max_error_percent: int = defaults.CANARY_MAX_ERROR_PERCENT
    canary_max_latency_percent: int = defaults.CANARY_MAX_LATENCY_PERCENT
    models_kept: int = defaults.MODELS_KEPT
