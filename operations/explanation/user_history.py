"""History of the user of a response. The log contains keyed hashes of IDs, so the caller passes the ID."""

from __future__ import annotations

from alsolike.events.interactions import profile_id
from alsolike.lake.served import UNKNOWN
from alsolike.profiles.profile import RecentInteraction
from alsolike.records.served_response import ServedResponse
from alsolike.runtime.errors import InvalidInput
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms, stored_ids
from operations.recovery.past_profile import past


def history_at_answer(deployment: Deployment, row: ServedResponse, user: str) -> tuple[RecentInteraction, ...]:
    """Return the interactions that had arrived before a user or session received the response."""
    ids = stored_ids(deployment)
    as_user, as_session = ids.user(user), ids.session(user)
    hashes = pseudonyms(deployment)
    if row.shopper is None and row.session is None:
        raise InvalidInput("--user names a user, but the response was not for a user")
    if row.shopper != UNKNOWN and not {hashes.shopper(as_user), hashes.shopper(as_session)} & {
        row.shopper,
        row.session,
    }:
        raise InvalidInput(f"--user is {user!r}, but the response was for another user")
    # As in `recommend`, the profile of the user precedes the profile of the session.
    for wanted in (
        profile_id(user_id=as_user, session_id=None),
        profile_id(user_id=None, session_id=as_session),
    ):
        if recent := past(deployment, wanted, received_by_ms=row.served_ms).recent:
            return tuple(recent)
    return ()
