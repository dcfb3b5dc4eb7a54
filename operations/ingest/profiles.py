"""Import of the latest interactions into the live profiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pyarrow as pa

from alsolike.domain.configuration import HISTORY_LENGTH
from alsolike.events.interactions import profile_id
from alsolike.profiles.store import Profile, ProfileStore
from alsolike.runtime.errors import Unavailable
from operations.ingest.erased_users import Erased, none_erased
from operations.ingest.journal import Journal
from operations.ingest.latest import PARTS, LatestInteractions, UserInteractions

_USERS_AT_ONCE = 512


def seed_profiles(
    latest: LatestInteractions,
    store: ProfileStore,
    journal: Journal,
    *,
    length: int = HISTORY_LENGTH,
    erased: Erased = none_erased,
    on_part: Callable[[int], None] = lambda profiles: None,
) -> int:
    """Merge the interactions into the live profiles; return how many profiles there are.

    Parameters
    ----------
    journal
        Knows the parts that an earlier run brought in, which are left out.
    length
        How many of them a profile keeps.
    erased
        Returns the erased users, who are left out. An import may take hours, and more users may be erased meanwhile.
    on_part
        Told after each part how many profiles there are until now.
    """
    profiles = 0
    for number in range(PARTS):
        done = journal.counted(f"profiles {number}")
        if done is None:
            done, users = 0, latest.of_part(number)
            while some := list(itertools.islice(users, _USERS_AT_ONCE)):
                gone = erased(pa.array([user for user, _ in some], pa.string()))
                kept = some if gone is None else list(itertools.compress(some, ~gone))
                _add(kept, store, now_ms=journal.started_ms, length=length)
                done += len(kept)
            if done:
                journal.record(f"profiles {number}", done, small=True)
        profiles += done
        on_part(profiles)
    return profiles


def _add(users: Sequence[UserInteractions], store: ProfileStore, *, now_ms: int, length: int) -> None:
    additions = {
        (profile := profile_id(user_id=user, session_id=None)): Profile(profile)
        .merge(interactions, length=length)
        .recent
        for user, interactions in users
    }
    if failed := store.add_histories(additions, now_ms=now_ms):
        raise Unavailable(next(iter(failed.values())))
