"""Rebuild of the live profiles from the lake."""

from __future__ import annotations

from alsolike.events.interactions import SESSION_PREFIX, USER_PREFIX
from alsolike.events.logins import Login
from alsolike.profiles.profile import Profile
from alsolike.profiles.profile_table import ProfileStore
from operations import progress
from operations.client.deployment import Deployment
from operations.client.erased_users import ErasedUsers
from operations.concurrent_map import in_order
from operations.configuration.deployed_configuration import live_configuration
from operations.recovery.lake_reader import LakeReader
from operations.recovery.profile_builder import logins_of, profiles_of

_THREADS = 8


def rebuild_profiles(
    deployment: Deployment, *, now_ms: int, received_by_ms: int | None = None, exactly: bool = False
) -> int:
    """Rebuild the live profiles from the lake, except those of erased users, and return the number of profiles.

    `exactly` replaces profiles, and empties profiles without interactions in the lake. Otherwise, interactions are only
    added.
    """
    rows = LakeReader(deployment.client("s3"), deployment.names.lake_bucket, received_by_ms=received_by_ms)
    configuration = live_configuration(deployment)
    profiles = profiles_of(rows, logins_of(rows), configuration=configuration)
    store = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)
    erased = ErasedUsers(deployment)
    known: set[str] = set()

    def write(profile: Profile) -> None:
        # Old data may contain an erased user until the purge is complete.
        owners = [profile.profile_id] if profile.joined is None else [profile.profile_id, profile.joined.profile_id]
        if any(owner.startswith(USER_PREFIX) and owner.removeprefix(USER_PREFIX) in erased for owner in owners):
            return
        if exactly:
            store.overwrite(profile, now_ms=now_ms)
        else:
            _add(store, profile, now_ms=now_ms, length=configuration.limits.history_length)

    written = 0
    with progress.step("live profiles") as step:
        for profile, _ in in_order(profiles, write, parallel=_THREADS):
            written += 1
            step.note(f"{written:,} profiles")
            if exactly:
                known.add(profile.profile_id)
    if exactly:
        with progress.step("profiles without interactions in the lake") as step:
            others = (Profile(profile.profile_id) for profile in store.scan() if profile.profile_id not in known)
            step.note(f"{sum(1 for _ in in_order(others, write, parallel=_THREADS)):,} emptied")
    return written


def _add(store: ProfileStore, profile: Profile, *, now_ms: int, length: int) -> None:
    if profile.joined is not None:
        login = Login(profile.joined.at_ms, "", profile.joined.user_id)
        store.join(profile.profile_id.removeprefix(SESSION_PREFIX), login, now_ms=now_ms, length=length)
    if profile.recent:
        store.add(profile.profile_id, profile.recent, now_ms=now_ms)
