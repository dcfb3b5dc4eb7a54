"""Whom the deployment has erased: one small object that every way in looks at.

It holds keyed hashes only, so it says nothing of anybody whose id one does not have: of each user the one by which
erasures go, and the one by which the log of served answers does. A tombstone stays: records of the user may come from
the stream, from a replayed quarantine or from an import years later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from alsolike.clients import ObjectClient, ObjectReader
from alsolike.errors import ConcurrentUpdate, Unavailable
from alsolike.interactions import profile_id
from alsolike.pseudonyms import Pseudonyms
from alsolike.stream import StreamRecord, partition_key

TOMBSTONES_KEY = "privacy/tombstones.json"
FORMAT_VERSION = 1
MAX_ATTEMPTS = 16

_USER_KEY = "u#"
_HASHED_KEY = "\0key#"
_NOT_FOUND = ("NoSuchKey", "404")
_NOT_MODIFIED = ("304", "NotModified")
_LOST_RACE = ("PreconditionFailed", "ConditionalRequestConflict")


Erased: TypeAlias = Callable[[str | None], bool]
"""Says of a user id whether the user was erased; nobody has the id None."""


def nobody(user_id: str | None) -> bool:
    """Say that nobody was erased."""
    return False


def names_erased(record: StreamRecord, erased: Erased) -> bool:
    """Say whether a record that cannot be read names an erased user, in its key or in the field for it.

    The key of a long id is a hash, for which `long_key` returns a tombstone of its own.
    """
    key = record.partition_key or ""
    if erased(key.removeprefix(_USER_KEY) if key.startswith(_USER_KEY) else f"{_HASHED_KEY}{key}"):
        return True
    try:
        document = orjson.loads(record.data)
    except orjson.JSONDecodeError:
        return False
    user_id = document.get("user_id") if isinstance(document, dict) else None
    return isinstance(user_id, str) and erased(user_id)


def long_key(user_id: str) -> str | None:
    """Return what stands for the hash of a long id in the stream's keys; None where the id itself stands there."""
    key = partition_key(profile_id(user_id=user_id, session_id=None))
    return None if key == f"{_USER_KEY}{user_id}" else f"{_HASHED_KEY}{key}"


class TombstoneReader:
    """The tombstones as a long-lived process sees them, read again when they are `check_s` old.

    Where S3 does not answer, what was read before stays in force: a failure brings nobody back.

    Parameters
    ----------
    client
        A low-level S3 client; its role needs s3:GetObject of the object and s3:ListBucket.
    bucket
        The artefact bucket.
    pseudonyms
        Gives the deployment's hashes; only asked once somebody has been erased.
    """

    def __init__(
        self, client: ObjectReader, bucket: str, pseudonyms: Callable[[], Pseudonyms], *, check_s: float = 5
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._pseudonyms = pseudonyms
        self._check_ms = check_s * 1000
        self._erased: Mapping[str, int] | None = None
        self._etag: str | None = None
        self._checked_ms = 0

    def erased(self, user_id: str | None, *, now_ms: int) -> bool:
        """Say whether a user, by the id that is stored, has been erased; nobody has the id None.

        Raises
        ------
        Unavailable
            If the tombstones, or the secret, were never read yet and cannot be.
        """
        tombstones = self.current(now_ms=now_ms)
        return bool(tombstones) and user_id is not None and self._pseudonyms().erased_user(user_id) in tombstones

    def current(self, *, now_ms: int) -> Mapping[str, int]:
        """Return when each was erased, epoch milliseconds, by keyed hash.

        Raises
        ------
        Unavailable
            If they were never read yet and cannot be.
        """
        if self._erased is None or now_ms - self._checked_ms >= self._check_ms:
            return self.refresh(now_ms=now_ms)
        return self._erased

    def refresh(self, *, now_ms: int) -> Mapping[str, int]:
        """Look now; see `current`."""
        try:
            found = _read(self._client, self._bucket, known=self._etag)
        except Unavailable:
            if self._erased is None:
                raise
            found = None
        if found is not None:
            self._erased, self._etag = found
        # Also after a failure: not every call shall wait for a store that does not answer.
        self._checked_ms = now_ms
        return self._erased or _NOBODY


def add_tombstone(client: ObjectClient, bucket: str, user_hash: str, *, now_ms: int) -> int:
    """Write a tombstone; return when the user was erased first, which a repeated call does not change.

    Parameters
    ----------
    user_hash
        `Pseudonyms.erased_user` or `Pseudonyms.shopper` of the stored id.

    Raises
    ------
    ConcurrentUpdate
        If other writers won `MAX_ATTEMPTS` times in a row.
    Unavailable
        If S3 does not answer.
    """
    for _ in range(MAX_ATTEMPTS):
        found = _read(client, bucket, known=None)
        assert found is not None  # nothing is known, so nothing can be unchanged
        erased, etag = found
        if user_hash in erased:
            return erased[user_hash]
        document = {"format_version": FORMAT_VERSION, "erased": {**erased, user_hash: now_ms}}
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            client.put_object(
                Bucket=bucket,
                Key=TOMBSTONES_KEY,
                Body=orjson.dumps(document),
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST_RACE:
                continue
            raise Unavailable(f"s3://{bucket}/{TOMBSTONES_KEY}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"s3://{bucket}/{TOMBSTONES_KEY}: {error}") from error
        return now_ms
    raise ConcurrentUpdate(f"s3://{bucket}/{TOMBSTONES_KEY} changed {MAX_ATTEMPTS} times while it was updated")


def _read(client: ObjectReader, bucket: str, *, known: str | None) -> tuple[Mapping[str, int], str | None] | None:
    """Return the tombstones and their ETag; None if they are the known ones still."""
    try:
        answer = client.get_object(Bucket=bucket, Key=TOMBSTONES_KEY, **({"IfNoneMatch": known} if known else {}))
        body = answer["Body"].read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _NOT_MODIFIED:
            return None
        if code in _NOT_FOUND:
            return _NOBODY, None
        raise Unavailable(f"s3://{bucket}/{TOMBSTONES_KEY}: {error}") from error
    except BotoCoreError as error:
        raise Unavailable(f"s3://{bucket}/{TOMBSTONES_KEY}: {error}") from error
    return _parse(body, where=f"s3://{bucket}/{TOMBSTONES_KEY}"), answer["ETag"]


def _parse(body: bytes, *, where: str) -> Mapping[str, int]:
    try:
        document = orjson.loads(body)
        version, erased = document["format_version"], document["erased"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Unavailable(f"{where} is unreadable: {error!r}") from error
    if version != FORMAT_VERSION or not isinstance(erased, dict):
        raise Unavailable(f"{where} has format_version {version!r}, expected {FORMAT_VERSION}")
    return MappingProxyType(erased)


_NOBODY: Mapping[str, int] = MappingProxyType({})
