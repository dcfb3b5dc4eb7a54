"""Erased users. A rebuild must not restore them."""

from __future__ import annotations

from alsolike.privacy.tombstones import TombstoneReader
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms
from operations.times import now_ms


class ErasedUsers:
    """Set of the deployment's erased users. The set is refreshed, because rebuilds may take hours."""

    def __init__(self, deployment: Deployment) -> None:
        self._reader = TombstoneReader(
            deployment.client("s3"),
            deployment.names.artefact_bucket,
            lambda: pseudonyms(deployment),
        )
        self.any = bool(self._reader.current(now_ms=now_ms()).users)

    def __contains__(self, user_id: str | None) -> bool:
        return self._reader.erased(user_id, now_ms=now_ms())

    def has_session(self, session_id: str) -> bool:
        """Return true if a session belonged to an erased user."""
        return self._reader.erased(None, session_id, now_ms=now_ms())
