"""Settings of recommend."""

from __future__ import annotations

from alsolike.values import value_object


@value_object
class Settings:
    """Where everything is, and how often to look for a new champion, configuration, catalogue and trends.

    `pseudonymise_ids` is 0 or 1. The secret is that of the hashes by which the log calls people.

    Attributes
    ----------
    max_snapshot_mb
        The largest catalogue that there is room for on the disk, twice and beside two bundles.
    time_budget_ms
        How long an answer may take before less is answered, 0 for as long as it takes.
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
