"""Stores with user data, and lifetimes of copies that an erasure cannot delete."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployment:
    """Stores and lifetimes of a deployment.

    If `retrain_days` is 0, no schedule trains. If `forwarded_days` is 0, there is no other region. `pseudonymise_ids`
    is 1 if stored user IDs are pseudonyms, otherwise 0.
    """

    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    users_table: str
    object_version_days: int
    stream_hours: int
    table_backup_days: int
    log_days: int
    access_log_days: int
    batch_days: int
    retrain_days: int = 0
    forwarded_days: int = 0
    pseudonymise_ids: int = 0
