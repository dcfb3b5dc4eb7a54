"""Import of the latest interactions into the live profiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pyarrow as pa

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.events.interactions import profile_id
from alsolike.profiles.profile import Profile
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import Unavailable
from operations.ingest.erased_users import Erased, none_erased
from operations.ingest.journal import Journal
from operations.ingest.latest_interactions import PARTS, LatestInteractions, UserInteractions

_BATCH_USERS = 512
"""Maximum number of users per write. A write may contain several partitions, or a section of one."""


def seed_profiles(
    latest: LatestInteractions,
    store: ProfileStore,
    journal: Journal,
    *,
    length: int = HISTORY_LENGTH,
    erased: Erased = none_erased,
    on_part: Callable[[int], None] = lambda profiles: None,
) -> int:
    """Merge the interactions into the live profiles, and return the number of profiles.

    Partitions that an earlier run has written are skipped. `erased` is called per batch, because an import can take
    hours.
    """
    profiles, waiting, parts = 0, list[UserInteractions](), dict[str, int]()

    def write() -> None:
        _add(waiting, store, now_ms=journal.started_ms, length=length)
        for step, count in parts.items():
            journal.record(step, count, small=True)
        waiting.clear()
        parts.clear()

    for number in range(PARTS):
        step = f"profiles {number}"
        done = journal.counted(step)
        if done is None:
            done, users = 0, latest.partition(number)
            while batch := list(itertools.islice(users, _BATCH_USERS - len(waiting))):
                is_erased = erased(pa.array([user for user, _ in batch], pa.string()))
                kept = batch if is_erased is None else list(itertools.compress(batch, ~is_erased))
                waiting += kept
                done += len(kept)
                if len(waiting) == _BATCH_USERS:
                    write()
            if done:
                parts[step] = done
        profiles += done
        on_part(profiles)
    write()
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
