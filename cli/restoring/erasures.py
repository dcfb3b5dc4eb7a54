"""Taking erased users out of what came back from the past."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike import catalogue_log, identity, lake_objects
from alsolike.catalogue_log import ChangeKind
from cli import console
from cli.aws import asking
from cli.deployment import Deployment
from cli.rebuilding.erased import ErasedUsers
from cli.rebuilding.lake_reader import LakeReader
from cli.rebuilding.profiles import logins_of


def drop_erased(where: Deployment, *, now_ms: int) -> int:
    """Rewrite the lake's objects without erased users and their sessions; return how many objects that were.

    Raises
    ------
    Unavailable
        If a service does not answer.
    """
    erased = ErasedUsers(where, now_ms=now_ms)
    if not erased.any:
        return 0
    s3, bucket = where.client("s3"), where.names.lake_bucket
    with console.step("erased users") as step:
        logins = logins_of(LakeReader(s3, bucket, received_by_ms=None))
        rewritten = sum(
            _rewrite(s3, bucket, listed, erased, logins) for listed in lake_objects.list_objects(s3, bucket)
        )
        rewritten += _rewrite_log(s3, bucket, erased)
        step.note(f"{rewritten:,} objects rewritten")
    return rewritten


def _rewrite(s3: Any, bucket: str, listed: lake_objects.LakeObject, erased: ErasedUsers, logins: pd.DataFrame) -> bool:
    content = lake_objects.read(s3, bucket, listed)
    if content is None:
        return False
    rows = pq.read_table(io.BytesIO(content))
    columns = rows.select(["event_id", "user_id", "session_id", "event_time_ms"])
    owners = identity.owners(columns.to_pandas(types_mapper=pd.ArrowDtype), logins)
    kept = ~owners.isin([owner for owner in owners.unique() if owner.startswith("u#") and owner[2:] in erased])
    if kept.all():
        return False
    with asking(f"s3://{bucket}/{listed.key}"):
        if not kept.any():
            s3.delete_object(Bucket=bucket, Key=listed.key)
            return True
        out = io.BytesIO()
        pq.write_table(rows.filter(pa.array(kept.to_numpy(bool))), out, compression="zstd")
        s3.put_object(Bucket=bucket, Key=listed.key, Body=out.getvalue())
    return True


def _rewrite_log(s3: Any, bucket: str, erased: ErasedUsers) -> int:
    """Take erased users out of the log of users' changes."""
    kind, rewritten = ChangeKind.USER, 0
    with asking(f"s3://{bucket}/{kind.prefix}"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=kind.prefix):
            for entry in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                found = list(catalogue_log.decode(kind, body, name=entry["Key"]))
                kept = [change for change in found if change.entity_id not in erased]
                if len(kept) < len(found):
                    s3.put_object(Bucket=bucket, Key=entry["Key"], Body=catalogue_log.encode(kind, kept))
                    rewritten += 1
    return rewritten
