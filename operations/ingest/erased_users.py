"""Detection of rows of erased users, which an import of an old file must not restore."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alsolike.privacy.tombstones import TombstoneReader
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms

Erased = Callable[[pa.StringArray], npt.NDArray[np.bool_] | None]
"""Function that returns a mask of the erased users among stored user IDs, or None if the deployment has no erased
users.
"""


def none_erased(users: pa.StringArray) -> None:
    """Return None, because no user is erased."""


def erased_users(deployment: Deployment, *, now_ms: Callable[[], int]) -> Erased:
    """Return a function that finds erased users by the deployment's tombstones, which are reloaded periodically."""
    reader = TombstoneReader(
        deployment.client("s3"),
        deployment.names.artefact_bucket,
        lambda: pseudonyms(deployment),
    )

    def erased(users: pa.StringArray) -> npt.NDArray[np.bool_] | None:
        now = now_ms()
        if not reader.current(now_ms=now).users:
            return None
        return np.fromiter((reader.erased(user, now_ms=now) for user in users.to_pylist()), bool, len(users))

    return erased
