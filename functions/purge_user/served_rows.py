"""Removal of recommendations to the user and the user's sessions, and of their outcomes. Rows contain keyed hashes.

Tombstones contain these hashes too, so that later lines of the log are dropped.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import gzip
import zlib
from collections.abc import Iterator

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.storage import OUTCOMES_PREFIX, SERVED_PREFIX
from alsolike.declarations.tables import OUTCOMES_TABLE, SERVED_TABLE
from alsolike.privacy.user_matcher import Owner
from alsolike.records.served_response import LINE_KEY
from functions.purge_user import parquet
from functions.purge_user.lake_rows import Table, purge_rows
from functions.purge_user.purge_context import PurgeContext, Removal

_SERVED = Table(SERVED_TABLE, SERVED_PREFIX, ("shopper", "session"))
_OUTCOMES = Table(OUTCOMES_TABLE, OUTCOMES_PREFIX, ("shopper",))


def purge_served(work: PurgeContext) -> Iterator[None]:
    return purge_rows(work, _SERVED, lambda table: _shopper_mask(work, table))


def purge_outcomes(work: PurgeContext) -> Iterator[None]:
    return purge_rows(work, _OUTCOMES, lambda table: _shopper_mask(work, table))


@dataclasses.dataclass(frozen=True, slots=True)
class Hashes:
    """Keyed hashes of the user, the user's sessions and other users of these sessions in the recommendation log.

    If `ids_are_hashed` is true, the two hashes of a row may belong to one ID, hashed as a user and as a session.
    Otherwise they belong to a session and its user.
    """

    user: str
    sessions: frozenset[str]
    others: frozenset[str]
    ids_are_hashed: bool

    def match(self, shopper: str | None, session: str | None) -> bool:
        if self.user in (shopper, session) or shopper in self.sessions:
            return True
        return session in self.sessions and (shopper is None or (self.ids_are_hashed and shopper not in self.others))

    def owner(self, line: bytes) -> Owner:
        """Return the owner of a line of the log.

        An unreadable line belongs to the user if it contains the hash of the user or of one of the user's sessions.
        Otherwise the owner is undecided.
        """
        try:
            fields = orjson.loads(line)[LINE_KEY]
            belongs_to_user = self.match(fields.get("shopper"), fields.get("session"))
            return Owner.USER if belongs_to_user else Owner.OTHER
        except (ValueError, KeyError, TypeError, AttributeError):
            has_hash = any(name.encode() in line for name in (self.user, *self.sessions))
            return Owner.USER if has_hash else Owner.UNDECIDED


def hashes(work: PurgeContext) -> Hashes:
    hash_id = work.pseudonyms.shopper
    return Hashes(
        user=hash_id(work.user_id),
        sessions=frozenset(map(hash_id, work.progress.own_sessions())),
        others=frozenset(map(hash_id, work.progress.rival_users)),
        ids_are_hashed=bool(work.places.pseudonymise_ids),
    )


def without_served_lines(body: bytes, user_hashes: Hashes) -> Removal | None:
    """Return a log delivery without the user's lines and unreadable lines, or None if the document is not a delivery.

    The delivery is the document at Lambda's failure destination.
    """
    try:
        document = orjson.loads(body)
        packed = base64.b64decode(document["requestPayload"]["awslogs"]["data"], validate=True)
        delivery = orjson.loads(gzip.decompress(packed))
        owners = [(event, user_hashes.owner(event["message"].encode())) for event in delivery["logEvents"]]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, OSError, EOFError, zlib.error):
        return None
    delivery["logEvents"] = [event for event, owner in owners if owner is Owner.OTHER]
    # mtime=0 makes the compressed bytes depend only on the lines.
    data = base64.b64encode(gzip.compress(orjson.dumps(delivery), mtime=0)).decode()
    document["requestPayload"]["awslogs"]["data"] = data
    return Removal([owner for _, owner in owners], orjson.dumps(document) if delivery["logEvents"] else None)


def _shopper_mask(work: PurgeContext, table: pa.Table) -> pa.ChunkedArray:
    user_hashes = hashes(work)
    matching = parquet.is_in(table, "shopper", [user_hashes.user, *user_hashes.sessions])
    if "session" not in table.column_names:
        return matching
    no_other_user = pc.is_null(table["shopper"])
    if user_hashes.ids_are_hashed:
        no_other_user = pc.or_(no_other_user, pc.invert(parquet.is_in(table, "shopper", list(user_hashes.others))))
    in_session = pc.and_(no_other_user, parquet.is_in(table, "session", list(user_hashes.sessions)))
    return pc.or_(pc.or_(matching, parquet.equals(table, "session", user_hashes.user)), in_session)
