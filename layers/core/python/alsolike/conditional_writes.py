"""Conditional writes of small objects in S3, safe against a response that is lost."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.clients import ObjectClient
from alsolike.errors import ConcurrentUpdate, Unavailable

_FAILED = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")  # the last: there is no object to match


def put_if_unchanged(
    client: ObjectClient,
    bucket: str,
    key: str,
    body: bytes,
    *,
    etag: str | None,
    content_type: str = "application/json",
    conflict: str | None = None,
) -> str:
    """Write an object in place of the one with this ETag, or of none; return its ETag.

    Botocore repeats a request whose response was lost, and the repeated one finds the object of the first. An object
    with the same content is therefore the caller's own.

    Parameters
    ----------
    conflict
        The message of `ConcurrentUpdate`.

    Raises
    ------
    ConcurrentUpdate
        If another process wrote or deleted the object meanwhile.
    Unavailable
        If S3 does not answer.
    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        answer = client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, **condition)
        return str(answer["ETag"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _FAILED:
            raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
        if (own := _etag_of(client, bucket, key, body)) is None:
            raise ConcurrentUpdate(conflict or f"s3://{bucket}/{key} changed meanwhile; look again") from error
        return own
    except BotoCoreError as error:
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error


def _etag_of(client: ObjectClient, bucket: str, key: str, body: bytes) -> str | None:
    """Return the ETag of an object with this content; None if it is missing or different."""
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
        return str(answer["ETag"]) if answer["Body"].read() == body else None
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
    except BotoCoreError as error:
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
