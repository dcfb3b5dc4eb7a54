"""Removal of the user from training datasets."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.declarations.storage import DATASETS_PREFIX
from alsolike.events.interactions import profile_id
from alsolike.privacy.user_matcher import UserMatcher
from alsolike.runtime.s3 import S3Object, scan
from alsolike.training.dataset import CHAMPION_FOLDER, IMPORTED_FOLDER, MANIFEST_FILE
from functions.purge_user import parquet
from functions.purge_user.purge_context import DATASETS, PurgeContext

MANIFEST = f"/{MANIFEST_FILE}"


def purge_datasets(work: PurgeContext) -> Iterator[None]:
    """Rewrite the files with rows of the user. Delete other files that contain the user's ID.

    The manifest is kept, because it contains no user IDs.
    """
    bucket = work.places.artefact_bucket
    matcher = UserMatcher(work.user_id)
    after = work.progress.cursor.get("after", "")
    for stored in scan(
        work.s3, bucket, DATASETS_PREFIX, after=after, wanted=lambda entry: _may_contain_user_ids(entry.key)
    ):
        if stored.body is not None and stored.key.endswith(".parquet"):
            file = parquet.open_parquet(stored.body, where=f"s3://{bucket}/{stored.key}")
            mask = _hits(work, file)
            count = 0 if mask is None else pc.sum(mask).as_py() or 0
            if mask is not None and count:
                _note(work, stored.key)
                work.record(DATASETS, {stored.key: count})
                rest = parquet.without(file, mask)
                work.replace(bucket, stored.key, rest or parquet.empty(file), etag=stored.etag)
        elif stored.body is not None and not stored.key.endswith(MANIFEST) and matcher.is_named(stored.body):
            work.record(DATASETS, {stored.key: 1})
            S3Object(work.s3, bucket, stored.key).delete()
        work.advance({"after": stored.key})
        yield


def _may_contain_user_ids(key: str) -> bool:
    """Return true if an object may contain user IDs. Copies of models do not, and are too large to search."""
    return not any(f"/{folder}/" in key for folder in (CHAMPION_FOLDER, IMPORTED_FOLDER))


def _hits(work: PurgeContext, file: pq.ParquetFile) -> pa.ChunkedArray | None:
    """Return a mask of the user's rows, or None if the file has no column with user IDs."""
    names = file.schema_arrow.names
    if "user_id" in names:
        return parquet.equals(parquet.read(file, ("user_id",)), "user_id", work.user_id)
    if "profile_id" not in names:
        return None
    # A dataset that was built before the user's login contains the session as a separate profile.
    profiles = [
        profile_id(user_id=work.user_id, session_id=None),
        *(profile_id(user_id=None, session_id=session) for session in work.progress.own_sessions()),
    ]
    return parquet.is_in(parquet.read(file, ("profile_id",)), "profile_id", profiles)


def _note(work: PurgeContext, key: str) -> None:
    dataset = key.removeprefix(DATASETS_PREFIX).partition("/")[0]
    if dataset not in work.progress.datasets:
        work.progress.datasets.append(dataset)
