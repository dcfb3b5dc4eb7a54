from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the operator API. A `canary_share_percent` of 0 disables canaries."""

    artefact_bucket: str
    lake_bucket: str
    model_package_group: str
    state_machine_arn: str
    recommend_function: str
    attribute_outcomes_function: str
    monitor_models_function: str
    session_key_arn: str
    canary_share_percent: int
    keys_table: str = ""
