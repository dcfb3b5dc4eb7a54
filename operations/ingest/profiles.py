"""Import of the latest interactions into the live profiles."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import pyarrow as pa

from alsolike.events.context import context_of
from alsolike.events.interactions import USER_PREFIX, profile_id
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import Unavailable
from operations.client.erased_users import Erased
from operations.ingest.journal import Journal
from operations.ingest.lake_rows import LakeRows
from operations.ingest.profile_files import ProfileFiles

_BATCH_USERS = 512


def profile_rows(rows: LakeRows, *, context: Sequence[str]) -> pa.Table:
    """Return rows for `ProfileFiles.add`. Rows without an item are omitted, because profiles do not contain them."""
    if (missing := rows.texts["item_id"].missing()).any():
        rows = rows.take(~missing)
    texts = rows.texts
    return pa.table(
        {
            "profile_id": texts["user_id"].mapped(lambda user: profile_id(user_id=user, session_id=None)).column(),
            "event_time_ms": pa.array(rows.event_time_ms),
            "event_id": rows.event_ids(),
            "item_id": texts["item_id"].column(),
            "event_type": texts["event_type"].column(),
            "context": texts["properties"].mapped(functools.partial(context_of, columns=context)).column(),
        }
    )


def seed_profiles(
    files: ProfileFiles,
    store: ProfileStore,
    journal: Journal,
    *,
    length: int,
    erased: Erased,
    on_part: Callable[[int], None],
) -> int:
    """Merge the interactions into the live profiles, and return the number of profiles.

    Files in the journal are skipped, but counted. `erased` is called for each batch, because an import can take hours.
    """
    profiles = 0
    for number in range(len(files)):
        done = journal.counted(f"profiles {number}")
        if done is None:
            done, rest = 0, files.read(number, length=length)
            while batch := list(itertools.islice(rest, _BATCH_USERS)):
                users = [profile.profile_id.removeprefix(USER_PREFIX) for profile in batch]
                is_erased = erased(pa.array(users, pa.string()))
                kept = batch if is_erased is None else list(itertools.compress(batch, ~is_erased))
                additions = {profile.profile_id: profile.recent for profile in kept}
                if failed := store.add_histories(additions, now_ms=journal.started_ms):
                    raise Unavailable(next(iter(failed.values())))
                done += len(kept)
            journal.record(f"profiles {number}", done, small=True)
        profiles += done
        on_part(profiles)
    return profiles
