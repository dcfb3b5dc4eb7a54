from __future__ import annotations

import dataclasses

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Observed resources.

    Attributes
    ----------
    deployment
        Name of the environment, which occurs in the names of alarms.
    stacks
        Names of all stacks of the deployment, separated by commas.
    powertools_metrics_namespace
        Namespace of the metrics of the deployment's functions.
    private_api
        1 if `api_id` is the name of a private REST API instead of the ID of an HTTP API.
    """

    deployment: str
    api_id: str
    stream_name: str
    lake_bucket: str
    artefact_bucket: str
    stacks: str
    powertools_metrics_namespace: str
    private_api: int = 0
    configuration_check_s: float = defaults.CONFIGURATION_CHECK_S
    keys_table: str = ""
