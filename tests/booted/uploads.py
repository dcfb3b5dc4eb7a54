"""Interactions that import jobs read."""

from __future__ import annotations

import time
from typing import Any

from tests.booted.shop import SECONDS_PER_DAY

IMPORT_BUCKET = "uploads"
"""The bucket that import jobs may read."""

_USERS, _DAYS = 60, 24


def upload_interactions(s3: Any) -> str:
    """Upload interactions without event types, in which user p-0 shops in aisle 0; return their location."""
    end = time.time() - 2 * SECONDS_PER_DAY
    rows = ["USER_ID,ITEM_ID,TIMESTAMP"]
    for user in range(_USERS):
        aisle, step = user % 3, user // 3
        for day in range(_DAYS):
            time_s = int(end - (_DAYS - day) * SECONDS_PER_DAY + user)
            rows.append(f"p-{user},item-{aisle}{(step + day) % 10},{time_s}")
    s3.create_bucket(Bucket=IMPORT_BUCKET)
    s3.put_object(Bucket=IMPORT_BUCKET, Key="history/interactions.csv", Body="\n".join(rows).encode())
    return f"s3://{IMPORT_BUCKET}/history/"
