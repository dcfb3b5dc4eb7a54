from __future__ import annotations

from alsolike.runtime.struct import struct


@struct
class Settings:
    """Sources of recommend, and the intervals for polling the champion, configuration, catalogue and trends.

    `pseudonymise_ids` is 0 or 1. The secret is the key of the hashes of users in the recommendation log.

    Attributes
    ----------
    max_snapshot_mb
        Maximum size of a catalogue in MB. The disk stores two catalogues and two bundles during a change.
    time_budget_ms
        Time limit of a response, after which a fallback completes it; 0 for no limit.
    """

    profiles_table: str
    users_table: str
    artefact_bucket: str
    secret_arn: str
    champion_check_s: float = 30.0
    configuration_check_s: float = 30.0
    snapshot_check_s: float = 30.0
    trends_check_s: float = 30.0
    time_budget_ms: int = 100
    max_snapshot_mb: int = 70
    pseudonymise_ids: int = 0
    keys_table: str = ""
