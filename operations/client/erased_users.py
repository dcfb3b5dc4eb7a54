"""Erased users. Imports and rebuilds must not restore them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alsolike.privacy.tombstones import TombstoneReader
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms
from operations.times import now_ms

Erased = Callable[[pa.StringArray], npt.NDArray[np.bool_] | None]
"""Function that returns a mask of the erased users among stored user IDs, or None if no user is erased."""


def none_erased(users: pa.StringArray) -> None:
    """Return None, because no user is erased."""


class ErasedUsers:
    """Set of the deployment's erased users.

    The set is reloaded at intervals, because users may be erased during imports and rebuilds, which can take hours.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._reader = TombstoneReader(
            deployment.client("s3"),
            deployment.names.artefact_bucket,
            lambda: pseudonyms(deployment),
        )

    @property
    def any(self) -> bool:
        return bool(self._reader.current(now_ms=now_ms()).users)

    def __contains__(self, user_id: str | None) -> bool:
        return self._reader.erased(user_id, now_ms=now_ms())

    def has_session(self, session_id: str) -> bool:
        """Return true if a session belonged to an erased user."""
        return self._reader.erased(None, session_id, now_ms=now_ms())

    def mask(self, users: pa.StringArray) -> npt.NDArray[np.bool_] | None:
        return np.fromiter((user in self for user in users.to_pylist()), bool, len(users)) if self.any else None
