"""Erasures for the other region. S3 replicates the object with the request, also after an outage of days."""

from __future__ import annotations

import orjson

from alsolike.declarations.storage import FORWARDED_ERASURES_PREFIX
from alsolike.privacy.erasures import ErasureReceipt, erasure_id
from alsolike.runtime.s3 import S3Object
from functions.erase_user.service import Erasing, erase_user


def forward(user_id: str, *, erasing: Erasing, region: str, now_ms: int) -> None:
    """Write the request of an erasure for the other region. `region` is the region of this function."""
    key = f"{FORWARDED_ERASURES_PREFIX}{erasure_id(erasing.pseudonyms, user_id)}-{now_ms}.json"
    S3Object(erasing.s3, erasing.bucket, key).write(orjson.dumps({"user_id": user_id, "region": region}))


def repeat(key: str, *, erasing: Erasing, region: str, now_ms: int) -> ErasureReceipt | None:
    """Erase the user of a request that the other region wrote.

    Return None if the request is from this region or has expired.
    """
    stored = S3Object(erasing.s3, erasing.bucket, key).read()
    if stored is None:  # The object has expired.
        return None
    request = orjson.loads(stored.body)
    if request["region"] == region:
        return None
    return erase_user(request["user_id"], erasing=erasing, now_ms=now_ms)
