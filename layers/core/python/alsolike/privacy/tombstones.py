"""Tombstones: keyed hashes of erased users and their sessions, in one object that every ingestion path reads.

A user has two hashes: one names the erasure, the other is that of the recommendation log. A user's tombstone stays for
ever, since records may come from an import years later. A session's tombstone stays for `SESSION_DAYS`. `UserIds` adds
the rule for stored ids.

The receipts of erasures contain the same hashes. Readers and writers add those that the object lacks, so that a
deleted, emptied or older object brings no user back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import orjson

from alsolike.declarations.storage import ERASURE_RECEIPTS_PREFIX, TOMBSTONES_KEY
from alsolike.events.interactions import SESSION_PREFIX, USER_PREFIX
from alsolike.events.stream import StreamRecord, partition_key
from alsolike.privacy.erasures import ID_DIGITS, ErasureReceipt, erasure_id, erasure_of_receipt
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy, Pseudonyms, pseudonyms_of
from alsolike.privacy.record_ids import read_ids
from alsolike.runtime.clients import ObjectLister, TombstoneClient
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.observability import Metric, count_shared, logger
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.s3 import UNCHANGED, Content, Listed, S3Object, scan

FORMAT_VERSION = 1
MAX_ATTEMPTS = 16
SESSION_DAYS = 100
"""Retention of a session's tombstone; quarantine and failed batches, which may restore events, expire after 90 days."""

_REPAIR = "repair it with `alsolike users erasures repair`"
_MS_PER_DAY = 86_400_000
_CLOCK_SKEW_MS = 300_000
"""Maximum difference between S3's clock and those of functions."""

_HASHED_KEY = "\0key#"


class IsErased(Protocol):
    """A test for records of erased users."""

    def __call__(self, user_id: str | None, session_id: str | None = None) -> bool:
        """Return true if a record's user was erased; for a record without a user, if its session was."""


def no_erased_users(user_id: str | None, session_id: str | None = None) -> bool:
    """Return False: no users were erased."""
    return False


def names_erased(record: StreamRecord, erased: IsErased) -> bool:
    """Return true if an unreadable record names an erased user or session, in its key or its data.

    A record that names other users in fields for users is theirs, as for `UserMatcher`. The key of a long id is a hash,
    for which `long_key` returns a tombstone of its own.
    """
    key = record.partition_key or ""
    if erased(key.removeprefix(USER_PREFIX) if key.startswith(USER_PREFIX) else f"{_HASHED_KEY}{key}"):
        return True
    ids = read_ids(record.data)
    if ids.users:
        return any(map(erased, ids.users))
    session = key.removeprefix(SESSION_PREFIX) if key.startswith(SESSION_PREFIX) else f"{_HASHED_KEY}{key}"
    return any(map(erased, ids.values)) or any(erased(None, name) for name in (*ids.sessions, session))


class Tombstones(NamedTuple):
    """When users and sessions were erased, epoch milliseconds, by keyed hash.

    `users` has the hashes of `Pseudonyms.erased_user` and `Pseudonyms.shopper`, `sessions` those of the latter.
    """

    users: Mapping[str, int]
    sessions: Mapping[str, int]


NO_TOMBSTONES = Tombstones(MappingProxyType({}), MappingProxyType({}))
EVERY_5_S = Polling(interval_s=5)


def long_key(profile: str) -> str | None:
    """Return the hash of a profile with a long id in the stream's keys, with its prefix; None if keys contain the id.

    Parameters
    ----------
    profile
        The result of `profile_id`.
    """
    key = partition_key(profile)
    return None if key == profile else f"{_HASHED_KEY}{key}"


class TombstoneReader(PolledValue[Tombstones]):
    """The tombstones in a long-lived process: a polled value.

    After a failed read the earlier ones stay in force, and a changed object never removes a user. So neither restores
    an erased user. While the object lacks users, each poll counts `Metric.TOMBSTONES_DAMAGED`.

    Parameters
    ----------
    client
        A low-level S3 client; its role needs s3:ListBucket, and s3:GetObject of the object and of receipts.
    pseudonyms
        Returns the deployment's hashes; called only once a user has been erased.
    """

    def __init__(
        self,
        client: ObjectLister,
        bucket: str,
        pseudonyms: Callable[[], Pseudonyms],
        *,
        polling: Polling = EVERY_5_S,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._pseudonyms = pseudonyms
        self._stones = NO_TOMBSTONES
        self._etag: str | None = None
        self._missing = 0
        super().__init__(self._read_tombstones, name="tombstones", polling=polling)

    def erased(self, user_id: str | None, session_id: str | None = None, *, now_ms: int) -> bool:
        """Return true if a record belongs to an erased user, given its stored ids; see `IsErased`.

        Raises
        ------
        Unavailable
            If the tombstones, or the secret, were never read and cannot be read now.
        """
        users, sessions = self.current(now_ms=now_ms)
        if user_id is not None:
            return bool(users) and self._pseudonyms().erased_user(user_id) in users
        return bool(sessions) and session_id is not None and self._pseudonyms().shopper(session_id) in sessions

    def erasure_of(self, user_id: str) -> str:
        """Return the ID of an erased user's erasure."""
        return erasure_id(self._pseudonyms(), user_id)

    def _read_tombstones(self, _: Callable[[], float]) -> Tombstones:
        stored = S3Object(self._client, self._bucket, TOMBSTONES_KEY)
        content = stored.read_if_changed(self._etag)
        if content is None and self.was_read and not self._stones.users:
            return self._stones  # without erasures, only the first read lists the receipts
        if content is not UNCHANGED:
            stones = _parse(content, where=stored.uri)
            of_receipts = _of_receipts(self._client, self._bucket, known=stones)
            if self._lacking(stones, of_receipts):  # an erasure may have been requested between the reads
                content = stored.read()
                stones = _parse(content, where=stored.uri)
            self._missing = self._lacking(stones, of_receipts)
            self._stones = _union(_union(self._stones, of_receipts), stones)
            self._etag = content.etag if content else None
        if self._missing:
            logger.error(f"{stored.uri} lacks {self._missing} hashes of erased users and their sessions; {_REPAIR}")
            count_shared(Metric.TOMBSTONES_DAMAGED)
        return self._stones

    def _lacking(self, stones: Tombstones, of_receipts: Tombstones) -> int:
        """Return the number of known hashes that the object lacks; sessions expire, so only receipts count for them."""
        users = (self._stones.users.keys() | of_receipts.users.keys()) - stones.users.keys()
        return len(users) + len(of_receipts.sessions.keys() - stones.sessions.keys())


def add_tombstone(client: TombstoneClient, bucket: str, user_hash: str, *, now_ms: int) -> int:
    """Write a user's tombstone; return the time of the first erasure, which a repeated call does not change.

    Parameters
    ----------
    user_hash
        `Pseudonyms.erased_user` or `Pseudonyms.shopper` of the stored id.

    Raises
    ------
    ConcurrentUpdate
        If other writers won `MAX_ATTEMPTS` times in a row.
    Unavailable
        If S3 does not answer, or the tombstones are unreadable.
    """

    def change(stones: Tombstones) -> Tombstones:
        return stones._replace(users={user_hash: now_ms, **stones.users})

    return _update(client, bucket, change).users[user_hash]


def add_session_tombstones(
    client: TombstoneClient, bucket: str, session_hashes: Collection[str], *, now_ms: int
) -> None:
    """Write tombstones of an erased user's sessions, and remove those older than `SESSION_DAYS`.

    Parameters
    ----------
    session_hashes
        `Pseudonyms.shopper` of the stored ids.
    """

    def change(stones: Tombstones) -> Tombstones:
        oldest_ms = now_ms - SESSION_DAYS * _MS_PER_DAY
        known = {name: at_ms for name, at_ms in stones.sessions.items() if at_ms >= oldest_ms}
        new = dict.fromkeys(sorted(set(session_hashes).difference(known)), now_ms)
        return stones._replace(sessions={**known, **new}) if new else stones

    _update(client, bucket, change)


def repair_tombstones(client: TombstoneClient, bucket: str) -> int:
    """Write the tombstones of all receipts that the object lacks, also if it is unreadable; return their number."""
    stored = S3Object(client, bucket, TOMBSTONES_KEY)
    of_receipts = _of_receipts(client, bucket, known=NO_TOMBSTONES)

    def write(content: Content | None) -> tuple[int, bytes | None]:
        is_readable = True
        try:
            stones = _parse(content, where=stored.uri)
        except Unavailable:
            stones, is_readable = NO_TOMBSTONES, False
        repaired = _union(of_receipts, stones)
        missing = sum(map(len, repaired)) - sum(map(len, stones))
        return missing, _to_json(repaired) if missing or not is_readable else None

    return stored.update(write, attempts=MAX_ATTEMPTS)


def _update(client: TombstoneClient, bucket: str, change: Callable[[Tombstones], Tombstones]) -> Tombstones:
    stored = S3Object(client, bucket, TOMBSTONES_KEY)

    def write(content: Content | None) -> tuple[Tombstones, bytes | None]:
        stones = _parse(content, where=stored.uri)
        changed = change(_with_receipts(client, bucket, stones))
        return changed, None if changed == stones else _to_json(changed)

    return stored.update(write, attempts=MAX_ATTEMPTS)


def _to_json(stones: Tombstones) -> bytes:
    document = {"format_version": FORMAT_VERSION, "erased": dict(stones.users), "sessions": dict(stones.sessions)}
    return orjson.dumps(document)


def _union(older: Tombstones, newer: Tombstones) -> Tombstones:
    return Tombstones(
        MappingProxyType({**older.users, **newer.users}), MappingProxyType({**older.sessions, **newer.sessions})
    )


def _with_receipts(client: ObjectLister, bucket: str, stones: Tombstones) -> Tombstones:
    """Return tombstones with those that only receipts have."""
    return _union(_of_receipts(client, bucket, known=stones), stones)


def _of_receipts(client: ObjectLister, bucket: str, *, known: Tombstones) -> Tombstones:
    """Return the tombstones of receipts that may have others than the known ones.

    It reads receipts of unknown users, and receipts written after the latest known tombstone, because an older object
    lacks the sessions that erasures found later. It skips sessions that expired before that tombstone.
    """
    ids = {name[:ID_DIGITS] for name in known.users}
    latest_ms = max((*known.users.values(), *known.sessions.values()), default=0)

    def is_wanted(entry: Listed) -> bool:
        return erasure_of_receipt(entry.key) not in ids or entry.modified_ms >= latest_ms - _CLOCK_SKEW_MS

    receipts = scan(client, bucket, ERASURE_RECEIPTS_PREFIX, wanted=is_wanted)
    users: dict[str, int] = {}
    sessions: dict[str, int] = {}
    for stored in receipts:
        if stored.body is None:
            continue
        try:
            receipt = ErasureReceipt.from_json(stored.body)
        except InvalidInput as error:
            raise Unavailable(f"s3://{bucket}/{stored.key}: {error}; its user has no tombstone") from error
        users |= dict.fromkeys((receipt.user_hash, *receipt.further_hashes), receipt.requested_at_ms)
        if receipt.requested_at_ms >= latest_ms - SESSION_DAYS * _MS_PER_DAY:
            sessions |= dict.fromkeys(receipt.session_hashes, receipt.requested_at_ms)
    return Tombstones(MappingProxyType(users), MappingProxyType(sessions))


def _parse(content: Content | None, *, where: str) -> Tombstones:
    if content is None:
        return NO_TOMBSTONES
    try:
        document = orjson.loads(content.body)
        version, users, sessions = document["format_version"], document["erased"], document.get("sessions", {})
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        count_shared(Metric.TOMBSTONES_DAMAGED)
        raise Unavailable(f"{where} is unreadable: {error!r}; {_REPAIR}") from error
    if version != FORMAT_VERSION or not isinstance(users, dict) or not isinstance(sessions, dict):
        count_shared(Metric.TOMBSTONES_DAMAGED)
        raise Unavailable(f"{where} has format_version {version!r}, expected {FORMAT_VERSION}; {_REPAIR}")
    return Tombstones(MappingProxyType(users), MappingProxyType(sessions))


@dataclasses.dataclass(frozen=True, slots=True)
class UserIds:
    """The rule for stored ids of users and sessions, and the tombstones of erased users."""

    ids: IdPolicy
    tombstones: TombstoneReader

    def erased(self, user_id: str | None, session_id: str | None = None, *, now_ms: int) -> bool:
        """Return whether data belongs to an erased user, given its stored ids; see `TombstoneReader.erased`."""
        return self.tombstones.erased(user_id, session_id, now_ms=now_ms)


def user_ids(
    s3: Any, artefact_bucket: str, secretsmanager: Any, secret_arn: str, *, pseudonymise: bool, check_s: float
) -> UserIds:
    """Return the rule and the tombstones of a deployment.

    Parameters
    ----------
    check_s
        Polling interval of the tombstones, in seconds.
    """

    def pseudonyms() -> Pseudonyms:
        return pseudonyms_of(secretsmanager, secret_arn)

    return UserIds(
        IdPolicy(pseudonyms) if pseudonymise else PLAIN_IDS,
        TombstoneReader(s3, artefact_bucket, pseudonyms, polling=Polling(check_s)),
    )
