"""The objects of the lake for readers that are concurrent with compaction and erasure.

A listed object may be deleted before it is read. That is no error: compaction deletes an object only after another one
has held its rows for longer than any reader takes. So a reader that misses the object has the other one in its list.
Rows that retention or an erasure deletes must not be read. Hence the two rules: list first, then read; skip deleted
objects.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.runtime.clients import ObjectReader, PagedClient
from alsolike.runtime.errors import Unavailable

_GONE = frozenset({"NoSuchKey", "404", "NotFound"})
_CHANGED = "PreconditionFailed"
_DAY = re.compile(r"[a-z]+/[a-z_]+=(?P<date>[^/]+)/.+\.parquet")


@dataclasses.dataclass(frozen=True, slots=True)
class LakeObject:
    """One object of a table.

    Attributes
    ----------
    etag
        Of its content, in quotes as S3 has it.
    """

    key: str
    size_bytes: int
    etag: str
    modified_ms: int

    @property
    def date(self) -> str:
        """Its partition."""
        return self.key.split("/")[1].partition("=")[2]


def list_objects(client: PagedClient, bucket: str, *, prefix: str = INTERACTIONS_PREFIX) -> Iterator[LakeObject]:
    """Yield the Parquet objects of a table below a prefix, by default all interactions, by key: a day's stand together.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    """
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                key = entry["Key"]
                if _DAY.fullmatch(key):
                    modified_ms = int(entry["LastModified"].timestamp() * 1000)
                    yield LakeObject(key, entry["Size"], entry["ETag"], modified_ms)
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(f"s3://{bucket}/{prefix}: {error}") from error


def read(client: ObjectReader, bucket: str, listed: LakeObject, *, unchanged: bool = False) -> bytes | None:
    """Return an object's content; None if it was deleted.

    Parameters
    ----------
    unchanged
        If true, return None also if the content has changed since it was listed.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    """
    try:
        condition = {"IfMatch": listed.etag} if unchanged else {}
        answer = client.get_object(Bucket=bucket, Key=listed.key, **condition)
        content: bytes = answer["Body"].read()
    except (ClientError, BotoCoreError) as error:
        if is_gone(error) or _code(error) in (_CHANGED, "412"):
            return None
        raise Unavailable(f"s3://{bucket}/{listed.key}: {error}") from error
    return content


def is_gone(error: BaseException) -> bool:
    """Return true if S3 answered that the object does not exist."""
    return _code(error) in _GONE


def _code(error: BaseException) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
