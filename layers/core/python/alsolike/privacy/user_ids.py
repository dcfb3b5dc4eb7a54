"""The stored ids of users and sessions, and the check for erased users."""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy, Pseudonyms, pseudonyms_of
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.polling import Polling


@dataclasses.dataclass(frozen=True, slots=True)
class UserIds:
    """The rule for stored ids of users and sessions, and the tombstones of erased users."""

    ids: IdPolicy
    tombstones: TombstoneReader

    def erased(self, user_id: str | None, session_id: str | None = None, *, now_ms: int) -> bool:
        """Return whether data belongs to an erased user, given its stored ids; see `TombstoneReader.erased`."""
        return self.tombstones.erased(user_id, session_id, now_ms=now_ms)


def user_ids(
    s3: Any, artefact_bucket: str, secretsmanager: Any, secret_arn: str, *, pseudonymise: bool, check_s: float
) -> UserIds:
    """Return the rule and the tombstones of a deployment.

    Parameters
    ----------
    check_s
        Polling interval of the tombstones, in seconds.
    """

    def pseudonyms() -> Pseudonyms:
        return pseudonyms_of(secretsmanager, secret_arn)

    return UserIds(
        IdPolicy(pseudonyms) if pseudonymise else PLAIN_IDS,
        TombstoneReader(s3, artefact_bucket, pseudonyms, polling=Polling(check_s)),
    )
