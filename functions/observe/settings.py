from __future__ import annotations

import dataclasses

from alsolike.declarations import shared_defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Observed resources.

    `deployment` is the name of the environment, which occurs in the names of alarms. `stacks` are separated by commas.
    If `private_api` is 1, `api_id` is the name of a private REST API instead of the ID of an HTTP API.
    """

    deployment: str
    api_id: str
    stream_name: str
    lake_bucket: str
    artefact_bucket: str
    users_table: str
    stacks: str
    powertools_metrics_namespace: str
    private_api: int = 0
    configuration_check_s: float = shared_defaults.CONFIGURATION_CHECK_S
    keys_table: str = ""
