"""Interactions and items for import jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from tests.booted.shop import SECONDS_PER_DAY

IMPORT_BUCKET = "uploads"
"""Name of the bucket that import jobs may read."""

_USERS, _DAYS = 60, 24


def upload_interactions(
    s3: Any, key: str = "history/interactions.csv", *, event_type: str = "", users: str = "p", items: str = "item"
) -> str:
    """Upload interactions, in which the first user interacts with items of aisle 0. Return the location of the folder.

    The file has the column EVENT_TYPE only if `event_type` is not empty. `users` and `items` are prefixes of the IDs.
    """
    end = time.time() - 2 * SECONDS_PER_DAY
    rows = ["USER_ID,ITEM_ID,TIMESTAMP" + (",EVENT_TYPE" if event_type else "")]
    for user in range(_USERS):
        aisle, step = user % 3, user // 3
        for day in range(_DAYS):
            time_s = int(end - (_DAYS - day) * SECONDS_PER_DAY + user)
            row = f"{users}-{user},{items}-{aisle}{(step + day) % 10},{time_s}"
            rows.append(f"{row},{event_type}" if event_type else row)
    return upload(s3, key, "\n".join(rows))


def upload_items(s3: Any, key: str, *, genres: Sequence[str]) -> str:
    """Upload ten movies per genre, with years. Return the location of the folder."""
    rows = [
        f"movie-{aisle}{number},{genre}|All,{1970 + number}"
        for aisle, genre in enumerate(genres)
        for number in range(10)
    ]
    return upload(s3, key, "\n".join(["ITEM_ID,GENRE,YEAR", *rows]))


def upload(s3: Any, key: str, text: str) -> str:
    s3.create_bucket(Bucket=IMPORT_BUCKET)
    s3.put_object(Bucket=IMPORT_BUCKET, Key=key, Body=text.encode())
    return f"s3://{IMPORT_BUCKET}/{key.rpartition('/')[0]}/"
