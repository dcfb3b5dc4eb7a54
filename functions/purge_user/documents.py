"""Removal of the user's records from quarantine, failed batches and the change log of users."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from alsolike.declarations.storage import FAILED_BATCHES_PREFIX, QUARANTINE_PREFIX, USER_CHANGES_PREFIX
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.lake.served import QUARANTINE_SHARD
from alsolike.privacy.user_matcher import Owner, UserMatcher
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import S3Object, StoredObject, scan
from functions.purge_user import served_rows
from functions.purge_user.purge_context import FAILED_BATCHES, QUARANTINE, PurgeContext, Removal
from functions.purge_user.served_rows import Hashes

USER_CHANGES = "user changes"


def find_sessions(work: PurgeContext) -> Iterator[None]:
    """Collect the user's sessions from quarantine and failed batches. The lake lacks the logins in these records."""
    prefixes = (QUARANTINE_PREFIX, FAILED_BATCHES_PREFIX)
    for number in range(work.progress.cursor.get("prefix", 0), len(prefixes)):
        for stored, body in _bodies(work, prefixes[number]):
            for data, key in _records(body):
                for login in UserMatcher(work.user_id).logins(data, key=key):
                    work.progress.note_login(login.session_id, login.order)
            work.advance({"after": stored.key, "prefix": number})
            yield
        work.advance({"after": "", "prefix": number + 1})


def purge_quarantine(work: PurgeContext) -> Iterator[None]:
    """Delete quarantined records of the user and of the user's sessions, and records whose owner cannot be determined.

    The user's sessions include sessions with an earlier login of another user, because an unreadable record does not
    show which of the two users it belongs to.
    """
    matcher, hashes = UserMatcher(work.user_id, sessions=work.progress.sessions), served_rows.hashes(work)
    for stored, body in _bodies(work, QUARANTINE_PREFIX):
        if (owner := _owner(body, matcher, hashes)) is not Owner.OTHER:
            work.record(QUARANTINE, {stored.key: 1}, is_decided=owner is Owner.USER)
            S3Object(work.s3, work.places.lake_bucket, stored.key).delete()
        work.advance({"after": stored.key})
        yield


def purge_failed_batches(work: PurgeContext) -> Iterator[None]:
    """Remove the user's records, and records without a known owner, from failed batches. Empty batches are deleted."""
    matcher, hashes = _matcher(work), served_rows.hashes(work)
    for stored, body in _bodies(work, FAILED_BATCHES_PREFIX):
        removal = served_rows.without_served_lines(body, hashes) or without_records(body, matcher)
        _apply(work, FAILED_BATCHES, stored, removal)
        yield


def purge_user_changes(work: PurgeContext) -> Iterator[None]:
    """Remove the user's lines, and lines without a known owner, from the change log. Empty objects are deleted."""
    matcher = _matcher(work)
    for stored, body in _bodies(work, USER_CHANGES_PREFIX):
        _apply(work, USER_CHANGES, stored, without_lines(body, matcher))
        yield


def _apply(work: PurgeContext, store: str, stored: StoredObject, removal: Removal) -> None:
    if removal.owners:
        work.record(store, {stored.key: len(removal.owners)}, is_decided=Owner.USER in removal.owners)
        work.replace(work.places.lake_bucket, stored.key, removal.rest, etag=stored.etag)
    work.advance({"after": stored.key})


def without_records(body: bytes, matcher: UserMatcher) -> Removal:
    """Return a failed batch without the user's records, and without records whose owner cannot be determined.

    A failed batch is the document at Lambda's failure destination. Its `payload` is the event as text.
    """
    try:
        document = orjson.loads(body)
        event = orjson.loads(document["payload"])
        owners = [(record, _record_owner(record, matcher)) for record in event["Records"]]
    except (ValueError, KeyError, TypeError):
        return _match_document(body, matcher)
    event["Records"] = [record for record, owner in owners if owner is Owner.OTHER]
    document["payload"] = orjson.dumps(event).decode()
    return Removal([owner for _, owner in owners], orjson.dumps(document) if event["Records"] else None)


def without_lines(body: bytes, matcher: UserMatcher) -> Removal:
    """Return a change log without the user's lines, and without lines whose owner cannot be determined."""
    try:
        lines = gzip.decompress(body).splitlines(keepends=True)
    except (OSError, EOFError, zlib.error):
        return _match_document(body, matcher)
    owners = [matcher.owner(line) for line in lines]
    rest = [line for line, owner in zip(lines, owners, strict=True) if owner is Owner.OTHER]
    # mtime=0 makes the compressed bytes depend only on the lines.
    return Removal(owners, gzip.compress(b"".join(rest), mtime=0) if rest else None)


def _match_document(body: bytes, matcher: UserMatcher) -> Removal:
    owner = matcher.owner(body)
    return Removal([owner], body if owner is Owner.OTHER else None)


def _records(body: bytes) -> list[tuple[bytes, str | None]]:
    """Return data and partition keys of the records in a quarantined record or a failed batch; [] if unreadable."""
    try:
        document = orjson.loads(body)
        if "payload" not in document:
            record = QuarantinedRecord.from_json(body).record
            return [(record.data, record.partition_key)]
        streamed = [record["kinesis"] for record in orjson.loads(document["payload"])["Records"]]
        return [(base64.b64decode(record["data"]), record.get("partitionKey")) for record in streamed]
    except (InvalidInput, ValueError, KeyError, TypeError):
        return []


def _owner(body: bytes, matcher: UserMatcher, hashes: Hashes) -> Owner:
    try:
        record = QuarantinedRecord.from_json(body).record
    except InvalidInput:
        return matcher.owner(body)
    if record.shard_id.startswith(QUARANTINE_SHARD):
        return hashes.owner(record.data)
    return matcher.owner(record.data, key=record.partition_key)


def _record_owner(record: dict[str, Any], matcher: UserMatcher) -> Owner:
    """Return the owner of a Kinesis record's data, or of a record of a table's stream."""
    if "kinesis" not in record:
        return matcher.owner(orjson.dumps(record))
    kinesis = record["kinesis"]
    return matcher.owner(base64.b64decode(kinesis["data"]), key=kinesis.get("partitionKey"))


def _matcher(work: PurgeContext) -> UserMatcher:
    return UserMatcher(work.user_id, sessions=work.progress.own_sessions())


def _bodies(work: PurgeContext, prefix: str) -> Iterator[tuple[StoredObject, bytes]]:
    for stored in scan(work.s3, work.places.lake_bucket, prefix, after=work.progress.cursor.get("after", "")):
        if stored.body is not None:
            yield stored, stored.body
