from __future__ import annotations

from alsolike.declarations import shared_defaults
from alsolike.declarations.limits import snapshot_limit_mb
from alsolike.runtime.struct import struct


@struct
class Settings:
    """Sources of recommendations, and intervals for polling.

    `pseudonymise_ids` is 0 or 1. The secret is the key of hashed IDs in the recommendation log and in impressions.

    Attributes
    ----------
    max_snapshot_mb
        Maximum size of a catalogue in MB. The disk stores two catalogues and two bundles during a change.
    time_budget_ms
        Time limit of a response; 0 for no limit. Fallbacks replace reads and model runs that would exceed the limit.
    """

    profiles_table: str
    users_table: str
    artefact_bucket: str
    secret_arn: str
    champion_check_s: float = shared_defaults.CHAMPION_CHECK_S
    configuration_check_s: float = shared_defaults.CONFIGURATION_CHECK_S
    snapshot_check_s: float = shared_defaults.SNAPSHOT_CHECK_S
    trends_check_s: float = shared_defaults.TRENDS_CHECK_S
    time_budget_ms: int = shared_defaults.TIME_BUDGET_MS
    max_snapshot_mb: int = snapshot_limit_mb()
    pseudonymise_ids: int = 0
    keys_table: str = ""
