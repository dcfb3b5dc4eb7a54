"""What was recommended to the user, and what it led to: rows that call the user by a keyed hash.

Lines that are still on their way are stopped by the tombstone, which has that hash too.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Collection, Iterator

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from alsolike import outcomes, served
from functions.purge_user import parquet
from functions.purge_user.rows import Table, purge_rows
from functions.purge_user.work import Work

SERVED, OUTCOMES = served.TABLE, outcomes.TABLE

_SERVED = Table(SERVED, served.PREFIX, ("shopper", "session", "served_ms"))
_OUTCOMES = Table(OUTCOMES, outcomes.PREFIX, ("shopper", "served_ms"))


def purge_served(work: Work) -> Iterator[None]:
    """Remove what was recommended to the user, and to sessions until the user logged in."""
    return purge_rows(work, _SERVED, lambda table: _of_shopper(work, table))


def purge_outcomes(work: Work) -> Iterator[None]:
    """Remove what that led to."""
    return purge_rows(work, _OUTCOMES, lambda table: _of_shopper(work, table))


def hashes(work: Work) -> frozenset[str]:
    """Return what the log calls the user, and sessions that became the user's."""
    return frozenset(map(work.pseudonyms.shopper, (work.user_id, *work.progress.own_sessions())))


def without_served_lines(body: bytes, of: Collection[str]) -> tuple[int, bytes | None] | None:
    """Return how many lines of a log's delivery name one of these hashes, and the delivery without them.

    The delivery is what Lambda sends to its destination after a function gave it up; None in its place if no line is
    left, and None for what is no such delivery.
    """
    try:
        document = orjson.loads(body)
        packed = base64.b64decode(document["requestPayload"]["awslogs"]["data"], validate=True)
        delivery = orjson.loads(gzip.decompress(packed))
        rest = [event for event in delivery["logEvents"] if not names_any(event["message"].encode(), of)]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, OSError, EOFError, zlib.error):
        return None
    found = len(delivery["logEvents"]) - len(rest)
    if not rest:
        return found, None
    delivery["logEvents"] = rest
    # The same lines give the same bytes: no time goes into the header.
    data = base64.b64encode(gzip.compress(orjson.dumps(delivery), mtime=0)).decode()
    document["requestPayload"]["awslogs"]["data"] = data
    return found, orjson.dumps(document)


def names_any(line: bytes, of: Collection[str]) -> bool:
    """Say whether a line has one of these hashes in it; nothing else reads like one."""
    return any(each.encode() in line for each in of)


def _of_shopper(work: Work, table: pa.Table) -> pa.ChunkedArray:
    found = parquet.equals(table, "shopper", work.pseudonyms.shopper(work.user_id))
    sessions = {work.pseudonyms.shopper(session): until for session, until in work.progress.own_sessions().items()}
    times = pa.array(list(sessions.values()), pa.int64())
    # Whoever asks by one id need not say which it is: a session's may stand where users' do.
    for column in ("shopper", "session"):
        if sessions and column in table.column_names:
            position = pc.index_in(table[column], value_set=pa.array(list(sessions), pa.string()))
            early = pc.less_equal(table["served_ms"], pc.take(times, position))
            found = pc.or_(found, pc.fill_null(early, False))
    return found
