"""Settings of the canary in `cdk.json`, which are also variables of `run_canary`."""

import dataclasses

from alsolike.declarations.settings import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class CanarySettings:
    """Share, duration and limits of a canary; see docs/models.md."""

    canary_share_percent: int = setting(
        10, "Share of users whose requests the [canary](models.md#canary) answers; 0: no canary", (0, 99)
    )
    canary_duration_s: int = setting(86_400, "Duration of a canary", (1, 604_800))
    canary_interval_s: int = setting(300, "Interval of analyses", (1, 86_400))
    canary_max_error_percent: int = setting(1, "Maximum additional errors, in points", (0, 100))
    canary_max_latency_percent: int = setting(50, "Maximum additional latency", (0, 10_000))
