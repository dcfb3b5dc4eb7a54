"""Import of the latest interactions into the live profiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from alsolike.domain.configuration import HISTORY_LENGTH
from alsolike.events.interactions import profile_id
from alsolike.profiles.store import ProfileStore
from operations.ingest.erased_users import Erased, none_erased
from operations.ingest.journal import Journal
from operations.ingest.latest import PARTS, LatestInteractions, UserInteractions

_THREADS = 8


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

    Raises
    ------
    Unavailable
        If DynamoDB does not answer.
    """

    def seed(user: UserInteractions) -> None:
        store.create(profile_id(user_id=user[0], session_id=None), user[1], now_ms=journal.started_ms, length=length)

    profiles = 0
    with ThreadPoolExecutor(_THREADS, "profiles") as pool:
        for number in range(PARTS):
            done = journal.counted(f"profiles {number}")
            if done is None:
                done, users = 0, latest.of_part(number)
                while some := list(itertools.islice(users, 64 * _THREADS)):
                    gone = erased(pa.array([user for user, _ in some], pa.string()))
                    kept = some if gone is None else list(itertools.compress(some, ~gone))
                    done += len(list(pool.map(seed, kept)))
                if done:
                    journal.record(f"profiles {number}", done, small=True)
            profiles += done
            on_part(profiles)
    return profiles
