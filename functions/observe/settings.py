"""Settings of observe."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What is looked at.

    Attributes
    ----------
    deployment
        The environment's name, as alarms have it.
    stacks
        All of the deployment, with commas between.
    powertools_metrics_namespace
        Where its functions write their metrics, this one among them.
    """

    deployment: str
    api_id: str
    stream_name: str
    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    stacks: str
    powertools_metrics_namespace: str
    configuration_check_s: float = 30
