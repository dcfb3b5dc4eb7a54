"""The objects of the lake as a reader meets them, who reads while compaction and erasure go on.

An object that is listed may be gone when it is read. That is no error: compaction removes an object only once another
one has held its rows for longer than any reader takes, so a reader that finds it gone has that one in its list; and
what retention or an erasure removes is not to be read. Hence the two rules: list first, then read; pass over what is
gone.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from alsolike import lake
from alsolike.clients import ObjectReader, PagedClient
from alsolike.errors import Unavailable

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


def list_objects(client: PagedClient, bucket: str, *, prefix: str = lake.INTERACTIONS_PREFIX) -> Iterator[LakeObject]:
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
    """Return an object's content; None where it is gone.

    Parameters
    ----------
    unchanged
        Whether it must be the content that was listed; None then also where it is another by now.

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
    """Say whether S3 answered that the object is not there."""
    return _code(error) in _GONE


def _code(error: BaseException) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
