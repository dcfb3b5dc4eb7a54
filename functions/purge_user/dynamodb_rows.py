"""Removal of the user's rows from the tables."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike.events.interactions import SESSION_PREFIX, profile_id
from alsolike.privacy.erasures import erasure_id
from alsolike.profiles.impressions import impressions_partition
from alsolike.profiles.profile import ERASURE_PREFIX, SessionLink
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.aws_errors import translate_aws_errors
from functions.purge_user.purge_context import PurgeContext

PROFILES = "profiles"
USERS = "users"


def find_joined_sessions(work: PurgeContext) -> Iterator[None]:
    """Collect the sessions that the profile table has joined to the user, or marked for this erasure.

    The tombstone may have kept the logins of these sessions out of the lake.
    """
    for name, link in _joined(work).items():
        session = name.removeprefix(SESSION_PREFIX)
        known = work.progress.sessions.get(session)
        if known is None or link.at_ms < known[0]:
            work.progress.note_login(session, [link.at_ms, ""])
    return iter(())


def purge_profiles(work: PurgeContext) -> Iterator[None]:
    """Delete the partitions of the user and of the user's sessions, and their impressions.

    The mark of an erased user is also deleted, because its key is the user ID. The tombstone replaces this mark. The
    user's partition is deleted last, because it lists the sessions.
    """
    own = (profile_id(user_id=None, session_id=session) for session in work.progress.own_sessions())
    shoppers = (work.user_id, *work.progress.own_sessions())
    seen = (impressions_partition(work.pseudonyms.shopper(stored_id)) for stored_id in shoppers)
    for profile in dict.fromkeys([*own, *seen, *_joined(work), *_owners(work)]):
        if keys := _profiles(work).keys(profile):
            if not profile.startswith(ERASURE_PREFIX):
                work.record(PROFILES, {profile: 1})
            _profiles(work).delete(keys)
            work.advance({})
            yield


def purge_user_row(work: PurgeContext) -> Iterator[None]:
    table, key = work.places.users_table, {"user_id": {"S": work.user_id}}
    with translate_aws_errors(f"table {table}"):
        if "Item" in work.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True):
            work.record(USERS, {work.user_id: 1})
            work.dynamodb.delete_item(TableName=table, Key=key)
    return iter(())


def _joined(work: PurgeContext) -> dict[str, SessionLink]:
    return {session: link for owner in _owners(work) for session, link in _profiles(work).sessions_of(owner).items()}


def _owners(work: PurgeContext) -> tuple[str, str]:
    """Return the partition of the erasure, which lists sessions with later logins, and the partition of the user."""
    erasure = SessionLink.erased_profile_id(erasure_id(work.pseudonyms, work.user_id))
    return erasure, profile_id(user_id=work.user_id, session_id=None)


def _profiles(work: PurgeContext) -> ProfileStore:
    return ProfileStore(work.dynamodb, work.places.profiles_table)
