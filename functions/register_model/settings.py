from __future__ import annotations

import dataclasses

from alsolike.declarations.limits import bundle_limit_mb
from functions.register_model.limits import GateLimits

_DEFAULT = GateLimits()


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of models, and the limits of the gate.

    `max_bundle_mb` is the maximum size of a bundle. Serving stores two bundles during a change, and the disk may have
    only 512 MB.
    """

    artefact_bucket: str
    model_package_group: str
    max_bundle_mb: int = bundle_limit_mb()
    gate_min_interactions: int = _DEFAULT.min_interactions
    gate_min_users: int = _DEFAULT.min_users
    gate_max_age_days: int = _DEFAULT.max_age_days
    gate_min_compared_users: int = _DEFAULT.min_compared_users
    gate_margin_percent: int = _DEFAULT.margin_percent
    gate_max_slice_drop_percent: int = _DEFAULT.max_slice_drop_percent
    gate_max_fall_percent: int = _DEFAULT.max_fall_percent
    gate_min_coverage_percent: int = _DEFAULT.min_coverage_percent
    gate_max_popularity_ratio: int = _DEFAULT.max_popularity_ratio
    gate_max_latency_ms: int = _DEFAULT.max_latency_ms

    @property
    def limits(self) -> GateLimits:
        gate = {
            field.name.removeprefix("gate_"): getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name.startswith("gate_")
        }
        return GateLimits(max_bundle_bytes=self.max_bundle_mb * 1_000_000, **gate)
