"""The latest interactions of each user over a whole import, for the live profiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa

from alsolike.configuration import HISTORY_LENGTH
from alsolike.interactions import profile_id
from alsolike.profiles import ProfileStore, RecentInteraction

COLUMNS = ("user_id", "event_time_ms", "event_id", "item_id", "event_type")
_THREADS = 8


class LatestInteractions:
    """Keeps at most about `HISTORY_LENGTH` rows a user while chunks go by.

    Rows of the same time as the last one kept stay too: which of them a profile keeps is the profile's own rule.
    """

    def __init__(self) -> None:
        self._rows: pa.Table | None = None

    def add(self, rows: pa.Table) -> None:
        """Take in rows of the lake's table."""
        rows = rows.select(COLUMNS)
        if self._rows is not None:
            rows = pa.concat_tables([self._rows, rows])
        self._rows = _latest(rows.combine_chunks())

    def by_user(self) -> Iterator[tuple[str, list[RecentInteraction]]]:
        """Yield each user with their interactions."""
        if self._rows is None:
            return
        columns = [self._rows[name].to_pylist() for name in COLUMNS]
        for user_id, rows in itertools.groupby(zip(*columns, strict=True), key=lambda row: row[0]):
            yield user_id, [RecentInteraction(*fields) for _, *fields in rows]

    def users(self) -> int:
        """Return how many users there are."""
        return 0 if self._rows is None else len(self._rows["user_id"].unique())


def seed_profiles(
    latest: LatestInteractions, store: ProfileStore, *, now_ms: int, on_profile: Callable[[], None] = lambda: None
) -> int:
    """Merge the interactions into the live profiles; return how many profiles that were.

    Raises
    ------
    Unavailable
        If DynamoDB does not answer.
    """

    def seed(user: tuple[str, list[RecentInteraction]]) -> None:
        store.create(profile_id(user_id=user[0], session_id=None), user[1], now_ms=now_ms)

    written = 0
    with ThreadPoolExecutor(_THREADS, "profiles") as pool:
        users = latest.by_user()
        while some := list(itertools.islice(users, 64 * _THREADS)):
            for _ in pool.map(seed, some):
                written += 1
                on_profile()
    return written


def _latest(rows: pa.Table) -> pa.Table:
    """Return the rows grouped by user, oldest first, cut to the latest of each user."""
    user = rows["user_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    event = rows["event_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    repeated = pd.Index(user.astype(np.int64) * len(rows) + event).duplicated()
    time_ms = rows["event_time_ms"].to_numpy()
    order = np.lexsort((time_ms, user))
    order = order[~repeated[order]]
    user, time_ms = user[order], time_ms[order]
    ends = np.searchsorted(user, user, side="right")
    starts = np.searchsorted(user, user, side="left")
    oldest_kept = time_ms[np.maximum(ends - HISTORY_LENGTH, starts)]
    return rows.take(pa.array(order[time_ms >= oldest_kept]))
