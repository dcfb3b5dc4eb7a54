"""Removal of erased users from restored data."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Collection

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.lake import lake_objects, partitions
from alsolike.lake.lake_objects import LakeObject
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import ConcurrentUpdate
from alsolike.runtime.s3 import S3Object, scan
from operations import progress
from operations.client.deployment import Deployment
from operations.client.erased_users import ErasedUsers
from operations.recovery.lake_reader import LakeReader, open_parquet
from operations.recovery.profile_builder import logins_of

MAX_ATTEMPTS = 20


def drop_erased(deployment: Deployment) -> int:
    """Remove erased users and their sessions from the lake, and return the number of changed objects.

    The removal covers the interactions and the change log of users.
    """
    erased = ErasedUsers(deployment)
    if not erased.any:
        return 0
    s3, bucket = deployment.client("s3"), deployment.names.lake_bucket
    logins = logins_of(LakeReader(s3, bucket, received_by_ms=None))
    with progress.step("erased users") as step:
        sessions = frozenset(logins.loc[[user in erased for user in logins["user_id"]], "session_id"])
        rewritten = sum(
            _rewrite(s3, bucket, listed, erased, sessions) for listed in lake_objects.list_objects(s3, bucket)
        )
        rewritten += _rewrite_log(s3, bucket, erased)
        step.note(f"{rewritten:,} objects rewritten")
    return rewritten


def _rewrite(s3: S3Client, bucket: str, listed: LakeObject, erased: ErasedUsers, sessions: Collection[str]) -> bool:
    """Remove erased users and anonymous rows of their sessions from an object.

    Return true if the object was rewritten, or deleted because no row remained.
    """
    where, etag = f"s3://{bucket}/{listed.key}", listed.etag
    stored = S3Object(s3, bucket, listed.key)
    for _ in range(MAX_ATTEMPTS):
        content = lake_objects.read(s3, bucket, dataclasses.replace(listed, etag=etag), unchanged=True)
        if content is None:
            if (now := stored.etag()) is None or now == etag:
                return False  # The object was deleted, or has not changed since the read.
            etag = now
            continue
        rows = open_parquet(content, where=where).read()
        ids = rows.select(["user_id", "session_id"]).to_pandas(types_mapper=pd.ArrowDtype)
        users = [user for user in ids["user_id"].dropna().unique() if user in erased]
        anonymous = ids.loc[ids["user_id"].isna(), "session_id"]
        erased_sessions = [
            session for session in anonymous.dropna().unique() if session in sessions or erased.has_session(session)
        ]
        kept = ~(ids["user_id"].isin(users) | (ids["user_id"].isna() & ids["session_id"].isin(erased_sessions))).astype(
            bool
        )
        if kept.all():
            return False
        out = io.BytesIO()
        pq.write_table(rows.filter(pa.array(kept.to_numpy(bool))), out, compression=partitions.COMPRESSION)
        if not kept.any():
            if stored.delete(etag=etag):
                return True
            continue
        try:
            stored.replace(out.getvalue(), etag=etag, content_type=None)
        except ConcurrentUpdate:
            continue
        return True
    raise ConcurrentUpdate(f"{where} changed {MAX_ATTEMPTS} times while erased users were removed; restore again")


def _rewrite_log(s3: S3Client, bucket: str, erased: ErasedUsers) -> int:
    """Remove erased users from the change log of users, and return the number of rewritten objects."""
    kind, rewritten = ChangeKind.USER, 0
    for stored in scan(s3, bucket, kind.prefix):
        if stored.body is None:
            continue
        changes = list(change_log.decode(kind, stored.body, name=stored.key))
        kept = [change for change in changes if change.entity_id not in erased]
        if len(kept) < len(changes):
            S3Object(s3, bucket, stored.key).write(change_log.encode(kind, kept), content_type=None)
            rewritten += 1
    return rewritten
