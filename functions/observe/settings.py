from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The observed resources.

    Attributes
    ----------
    deployment
        The environment's name in the names of alarms.
    stacks
        All stacks of the deployment, separated by commas.
    powertools_metrics_namespace
        Namespace of its functions' metrics, including this one's.
    """

    deployment: str
    api_id: str
    stream_name: str
    lake_bucket: str
    artefact_bucket: str
    stacks: str
    powertools_metrics_namespace: str
    configuration_check_s: float = 30
    keys_table: str = ""
