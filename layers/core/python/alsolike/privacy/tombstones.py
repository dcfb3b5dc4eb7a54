"""Tombstones: keyed hashes of erased users and their sessions, in one object that every ingestion path reads.

The tombstones of a user are the hash in the erasure's receipt, the hash in the recommendation log, and for a long ID,
the hash of `long_key`. Tombstones of users never expire, because an import can contain records of any age. Tombstones
of sessions expire after `SESSION_TOMBSTONE_DAYS`. Erasure receipts contain the same hashes. Readers and writers add
missing hashes from the receipts, so that a deleted, emptied or outdated object does not restore an erased user.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import orjson

from alsolike.declarations.metrics import Metric
from alsolike.declarations.retention import SESSION_TOMBSTONE_DAYS
from alsolike.declarations.storage import ERASURE_RECEIPTS_PREFIX, TOMBSTONES_KEY
from alsolike.declarations.times import CLOCK_SKEW_MS, DAY_MS
from alsolike.events.interactions import SESSION_PREFIX, USER_PREFIX
from alsolike.events.stream_records import StreamRecord, partition_key
from alsolike.privacy.erasures import ID_DIGITS, ErasureReceipt, erasure_id, erasure_of_receipt
from alsolike.privacy.id_search import read_ids
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy, Pseudonyms, pseudonyms_of
from alsolike.runtime.client_protocols import S3Client, SecretsManagerClient
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.observability import count_shared, logger
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.s3 import UNCHANGED, Content, Listed, S3Object, scan

FORMAT_VERSION = 1
MAX_ATTEMPTS = 16

_REPAIR = "repair it with `alsolike users erasures repair`"

_HASHED_KEY = "\0key#"


class IsErased(Protocol):
    def __call__(self, user_id: str | None, session_id: str | None = None) -> bool:
        """Return true if the user was erased. Without a user, return true if the session belongs to an erased user."""


def no_erased_users(user_id: str | None, session_id: str | None = None) -> bool:
    return False


def names_erased(record: StreamRecord, erased: IsErased) -> bool:
    """Return true if an unreadable record contains an erased user or session in its partition key or data.

    A record matches if its partition key is of an erased user. Otherwise its user ID fields decide, as in
    `UserMatcher`. A record without user ID fields matches if one of its sessions or other values is erased. The
    partition key of a long ID is a hash, so tombstones also contain the hash of `long_key`.
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
    """Times of erasures in epoch milliseconds, by keyed hash.

    The keys of `users` are hashes by `Pseudonyms.erased_user` and `Pseudonyms.shopper`. The keys of `sessions` are
    hashes by `Pseudonyms.shopper`.
    """

    users: Mapping[str, int]
    sessions: Mapping[str, int]


NO_TOMBSTONES = Tombstones(MappingProxyType({}), MappingProxyType({}))
EVERY_5_S = Polling(interval_s=5)


def long_key(profile: str) -> str | None:
    """Return the value that tombstones hash for a profile with a long ID. The partition key of a long ID is a hash.
    None for other profiles.
    """
    key = partition_key(profile)
    return None if key == profile else f"{_HASHED_KEY}{key}"


class TombstoneReader(PolledValue[Tombstones]):
    """Polled reader of the tombstones for long-lived processes.

    Known users remain erased after a failed read, and if a changed object no longer contains them. While the object
    lacks known hashes, each poll counts `Metric.TOMBSTONES_DAMAGED`.
    """

    def __init__(
        self,
        client: S3Client,
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
        users, sessions = self.current(now_ms=now_ms)
        if user_id is not None:
            return bool(users) and self._pseudonyms().erased_user(user_id) in users
        return bool(sessions) and session_id is not None and self._pseudonyms().shopper(session_id) in sessions

    def erasure_of(self, user_id: str) -> str:
        return erasure_id(self._pseudonyms(), user_id)

    def _read_tombstones(self, _: Callable[[], float]) -> Tombstones:
        stored = S3Object(self._client, self._bucket, TOMBSTONES_KEY)
        content = stored.read_if_changed(self._etag)
        if content is None and self.was_read and not self._stones.users:
            return self._stones  # Without erasures, only the first read lists the receipts.
        if content is not UNCHANGED:
            stones = _parse(content, where=stored.uri)
            receipts = _read_receipts(self._client, self._bucket, known=stones)
            if self._lacking(stones, receipts):  # An erasure can start between the two reads.
                content = stored.read()
                stones = _parse(content, where=stored.uri)
            self._missing = self._lacking(stones, receipts)
            self._stones = _union(_union(self._stones, receipts), stones)
            self._etag = content.etag if content else None
        if self._missing:
            logger.error(f"{stored.uri} lacks {self._missing} hashes of erased users and their sessions; {_REPAIR}")
            count_shared(Metric.TOMBSTONES_DAMAGED)
        return self._stones

    def _lacking(self, stones: Tombstones, receipts: Tombstones) -> int:
        """Return the number of hashes of known users, and of users and sessions in receipts, that `stones` lacks."""
        users = (self._stones.users.keys() | receipts.users.keys()) - stones.users.keys()
        return len(users) + len(receipts.sessions.keys() - stones.sessions.keys())


def add_tombstone(client: S3Client, bucket: str, user_hash: str, *, now_ms: int) -> int:
    """Write the tombstone of a user, and return its time in epoch milliseconds, which repeated calls do not change."""

    def change(stones: Tombstones) -> Tombstones:
        return stones._replace(users={user_hash: now_ms, **stones.users})

    return _update(client, bucket, change).users[user_hash]


def add_session_tombstones(client: S3Client, bucket: str, session_hashes: Collection[str], *, now_ms: int) -> None:
    """Write missing tombstones of an erased user's sessions.

    If a tombstone is missing, session tombstones older than `SESSION_TOMBSTONE_DAYS` are removed, too.
    """

    def change(stones: Tombstones) -> Tombstones:
        oldest_ms = now_ms - SESSION_TOMBSTONE_DAYS * DAY_MS
        known = {name: at_ms for name, at_ms in stones.sessions.items() if at_ms >= oldest_ms}
        new = dict.fromkeys(sorted(set(session_hashes).difference(known)), now_ms)
        return stones._replace(sessions={**known, **new}) if new else stones

    _update(client, bucket, change)


def repair_tombstones(client: S3Client, bucket: str) -> int:
    """Add the missing tombstones of receipts, replacing an unreadable object. Return the number of added tombstones."""
    stored = S3Object(client, bucket, TOMBSTONES_KEY)
    receipts = _read_receipts(client, bucket, known=NO_TOMBSTONES)

    def write(content: Content | None) -> tuple[int, bytes | None]:
        is_readable = True
        try:
            stones = _parse(content, where=stored.uri)
        except Unavailable:
            stones, is_readable = NO_TOMBSTONES, False
        repaired = _union(receipts, stones)
        missing = sum(map(len, repaired)) - sum(map(len, stones))
        return missing, _to_json(repaired) if missing or not is_readable else None

    return stored.update(write, attempts=MAX_ATTEMPTS)


def _update(client: S3Client, bucket: str, change: Callable[[Tombstones], Tombstones]) -> Tombstones:
    stored = S3Object(client, bucket, TOMBSTONES_KEY)

    def write(content: Content | None) -> tuple[Tombstones, bytes | None]:
        stones = _parse(content, where=stored.uri)
        changed = change(_union(_read_receipts(client, bucket, known=stones), stones))
        return changed, None if changed == stones else _to_json(changed)

    return stored.update(write, attempts=MAX_ATTEMPTS)


def _to_json(stones: Tombstones) -> bytes:
    document = {"format_version": FORMAT_VERSION, "erased": dict(stones.users), "sessions": dict(stones.sessions)}
    return orjson.dumps(document)


def _union(older: Tombstones, newer: Tombstones) -> Tombstones:
    return Tombstones(
        MappingProxyType({**older.users, **newer.users}), MappingProxyType({**older.sessions, **newer.sessions})
    )


def _read_receipts(client: S3Client, bucket: str, *, known: Tombstones) -> Tombstones:
    """Return the tombstones of receipts that may contain unknown tombstones.

    These are the receipts of users without a known tombstone, and all receipts written since the latest known
    tombstone. If `known` is from an outdated object, it can contain a user without the sessions that were erased later.
    Sessions whose tombstones expired before the latest known tombstone are skipped.
    """
    ids = {name[:ID_DIGITS] for name in known.users}
    latest_ms = max((*known.users.values(), *known.sessions.values()), default=0)

    def is_wanted(entry: Listed) -> bool:
        return erasure_of_receipt(entry.key) not in ids or entry.modified_ms >= latest_ms - CLOCK_SKEW_MS

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
        if receipt.requested_at_ms >= latest_ms - SESSION_TOMBSTONE_DAYS * DAY_MS:
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
    ids: IdPolicy
    tombstones: TombstoneReader

    def erased(self, user_id: str | None, session_id: str | None = None, *, now_ms: int) -> bool:
        return self.tombstones.erased(user_id, session_id, now_ms=now_ms)


def user_ids(
    s3: S3Client,
    artefact_bucket: str,
    secretsmanager: SecretsManagerClient,
    secret_arn: str,
    *,
    pseudonymise: bool,
    check_s: float,
) -> UserIds:
    def pseudonyms() -> Pseudonyms:
        return pseudonyms_of(secretsmanager, secret_arn)

    return UserIds(
        IdPolicy(pseudonyms) if pseudonymise else PLAIN_IDS,
        TombstoneReader(s3, artefact_bucket, pseudonyms, polling=Polling(check_s)),
    )
