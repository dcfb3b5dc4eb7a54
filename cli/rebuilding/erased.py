"""Whom nothing brings back."""

from __future__ import annotations

from alsolike.tombstones import TombstoneReader
from cli.deployment import Deployment
from cli.stored_ids import pseudonyms


class ErasedUsers:
    """The users that a deployment had erased when this was made.

    Raises
    ------
    Unavailable
        If they cannot be read.
    """

    def __init__(self, where: Deployment, *, now_ms: int) -> None:
        self._now_ms = now_ms
        self._reader = TombstoneReader(
            where.client("s3"),
            where.names.artefact_bucket,
            lambda: pseudonyms(where),
            check_s=float("inf"),
        )
        self.any = bool(self._reader.current(now_ms=now_ms))

    def __contains__(self, user_id: str | None) -> bool:
        return self.any and self._reader.erased(user_id, now_ms=self._now_ms)
