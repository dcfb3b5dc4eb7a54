"""Records of the user in objects that are no tables: quarantine, failed batches, the log of users' changes."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from alsolike.declarations.storage import FAILED_BATCHES_PREFIX, QUARANTINE_PREFIX, USER_CHANGES_PREFIX
from alsolike.lake.dead_letters import QuarantinedRecord
from alsolike.lake.served import QUARANTINE_SHARD
from alsolike.privacy.user_matcher import UserMatcher
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import StoredObject, scan
from functions.purge_user import served_rows
from functions.purge_user.purge_context import PurgeContext
from functions.purge_user.served_rows import Hashes

QUARANTINE = "quarantine"
FAILED_BATCHES = "failed batches"
USER_CHANGES = "user changes"


def find_sessions(work: PurgeContext) -> Iterator[None]:
    """Note the sessions of records that name the user: their logins never came to the lake."""
    prefixes = (QUARANTINE_PREFIX, FAILED_BATCHES_PREFIX)
    for number in range(work.progress.cursor.get("prefix", 0), len(prefixes)):
        for stored, body in _bodies(work, prefixes[number]):
            for data in _records(body):
                if (login := UserMatcher(work.user_id).login(data)) is not None:
                    work.progress.note_login(*login)
            work.advance({"after": stored.key, "prefix": number})
            yield
        work.advance({"after": "", "prefix": number + 1})


def purge_quarantine(work: PurgeContext) -> Iterator[None]:
    """Delete quarantined records of the user, and those without a user of sessions that the user was in.

    An accepted login of another user does not protect the latter: an unreadable record has no owner.
    """
    mentions, hashes = UserMatcher(work.user_id, sessions=work.progress.sessions), served_rows.hashes(work)
    for stored, body in _bodies(work, QUARANTINE_PREFIX):
        if _quarantined(body, mentions, hashes):
            work.record(QUARANTINE, {stored.key: 1})
            work.delete(work.places.lake_bucket, stored.key)
        work.advance({"after": stored.key})
        yield


def purge_failed_batches(work: PurgeContext) -> Iterator[None]:
    """Remove the user's records from batches that a consumer gave up on; delete a batch with no other record."""
    mentions, hashes = _mentions(work), served_rows.hashes(work)
    for stored, body in _bodies(work, FAILED_BATCHES_PREFIX):
        hits, rest = served_rows.without_served_lines(body, hashes) or without_records(body, mentions)
        if hits:
            work.record(FAILED_BATCHES, {stored.key: hits})
            work.replace(work.places.lake_bucket, stored.key, rest, etag=stored.etag)
        work.advance({"after": stored.key})
        yield


def purge_user_changes(work: PurgeContext) -> Iterator[None]:
    """Remove the user's lines from the log of users' changes; delete an object with no other line."""
    mentions = _mentions(work)
    for stored, body in _bodies(work, USER_CHANGES_PREFIX):
        hits, rest = without_lines(body, mentions)
        if hits:
            work.record(USER_CHANGES, {stored.key: hits})
            work.replace(work.places.lake_bucket, stored.key, rest, etag=stored.etag)
        work.advance({"after": stored.key})
        yield


def without_records(body: bytes, mentions: UserMatcher) -> tuple[int, bytes | None]:
    """Return the number of a failed batch's records of the user, and the batch without them; None if none is left.

    The batch is the document at Lambda's failure destination: the event, as text, is its `payload`.
    """
    try:
        document = orjson.loads(body)
        event = orjson.loads(document["payload"])
        records = event["Records"]
        mine = [_is_mine(record, mentions) for record in records]
    except (ValueError, KeyError, TypeError):
        return (1, None) if mentions.text(body) else (0, body)
    event["Records"] = [record for record, hit in zip(records, mine, strict=True) if not hit]
    document["payload"] = orjson.dumps(event).decode()
    return sum(mine), orjson.dumps(document) if event["Records"] else None


def without_lines(body: bytes, mentions: UserMatcher) -> tuple[int, bytes | None]:
    """Return how many lines of a change log are the user's, and the log without them; None if none is left."""
    try:
        lines = gzip.decompress(body).splitlines(keepends=True)
    except (OSError, EOFError, zlib.error):
        return (1, None) if mentions.text(body) else (0, body)
    rest = [line for line in lines if not mentions.record(line)]
    # The same lines give the same bytes: no time goes into the header.
    return len(lines) - len(rest), gzip.compress(b"".join(rest), mtime=0) if rest else None


def _records(body: bytes) -> list[bytes]:
    """Return the producers' data in a quarantined record or a failed batch."""
    try:
        document = orjson.loads(body)
        if "payload" not in document:
            return [QuarantinedRecord.from_json(body).record.data]
        records = orjson.loads(document["payload"])["Records"]
        return [base64.b64decode(record["kinesis"]["data"]) for record in records]
    except (InvalidInput, ValueError, KeyError, TypeError):
        return []


def _quarantined(body: bytes, mentions: UserMatcher, hashes: Hashes) -> bool:
    try:
        record = QuarantinedRecord.from_json(body).record
        if record.shard_id.startswith(QUARANTINE_SHARD):
            return hashes.line(record.data)
        return mentions.partition(record.partition_key) or mentions.record(record.data)
    except InvalidInput:
        return mentions.text(body)


def _is_mine(record: dict[str, Any], mentions: UserMatcher) -> bool:
    """Return true if the producer's data, or the record of a table's stream, is the user's."""
    if "kinesis" not in record:
        return mentions.record(orjson.dumps(record))
    kinesis = record["kinesis"]
    return mentions.partition(kinesis.get("partitionKey")) or mentions.record(base64.b64decode(kinesis["data"]))


def _mentions(work: PurgeContext) -> UserMatcher:
    return UserMatcher(work.user_id, sessions=work.progress.own_sessions())


def _bodies(work: PurgeContext, prefix: str) -> Iterator[tuple[StoredObject, bytes]]:
    for stored in scan(work.s3, work.places.lake_bucket, prefix, after=work.progress.cursor.get("after", "")):
        if stored.body is not None:
            yield stored, stored.body
