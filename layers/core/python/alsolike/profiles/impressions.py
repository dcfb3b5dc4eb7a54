"""Impressions in the profile table: lists of items that a page showed (from events) or that a response contained (from
the recommendation log).

The partition key is the shopper's keyed hash, as in the recommendation log, because the log contains no IDs. An item of
the table is one list, which expires. Writes are idempotent by key. An event that reports impressions of a response
takes precedence over the list of the log, which does not state the items that the page showed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from alsolike.configuration.configuration import Fatigue
from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from alsolike.profiles.batch_writes import BatchWriter, put, raise_first
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import DynamoDbClient
from alsolike.runtime.struct import struct

MAX_ITEMS = 25
"""Maximum number of items that are stored per list of the log. The first items of the list are stored."""

MAX_LISTS = 100
"""Maximum number of lists that a request reads per shopper. The latest lists are read."""

_PARTITION_PREFIX = "i#"
_KEY_PREFIX = "%"
"""Prefix of the sort keys of impressions. Impressions sort before interactions, so scans of profiles skip
impressions."""

_REPORTED, _SERVED = "+", "-"
_TIME_DIGITS = 15
_MS_PER_HOUR = 3_600_000


@struct
class Impressions:
    """List of items that a page showed to a shopper, or that a response to the shopper contained.

    Attributes
    ----------
    shopper
        Keyed hash of the user, or of the session of an anonymous visitor.
    list_id
        Recommendation ID of the list, or the ID of an event without a recommendation ID.
    source_id
        ID of the event or response. In a list from `ImpressionStore.read`, the `source_digest` of this ID.
    is_reported
        True for impressions of an event, false for a list of the recommendation log.
    """

    shopper: str
    list_id: str
    source_id: str
    time_ms: int
    item_ids: Sequence[str]
    is_reported: bool


class ImpressionStore:
    def __init__(self, client: DynamoDbClient, table: str) -> None:
        self._client, self._table = client, table
        self._writer = BatchWriter(client, table)

    def add(self, lists: Iterable[Impressions], fatigue: Fatigue) -> None:
        """Store lists. The lists expire after `fatigue.lifetime_ms`, when they no longer affect scores."""
        items = [_item(shown, lifetime_ms=fatigue.lifetime_ms) for shown in lists]
        by_key = {(item[PROFILES_PARTITION_KEY]["S"], item[PROFILES_SORT_KEY]["S"]): put(item) for item in items}
        raise_first(self._writer.write(list(by_key.values()), is_concurrent=True))

    def read(self, shopper: str, *, since_ms: int) -> list[Impressions]:
        """Return the latest `MAX_LISTS` lists since a time, latest first."""
        with translate_aws_errors(f"profile table {self._table}"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="profile_id = :profile AND sort_key >= :first",
                ExpressionAttributeValues={
                    ":profile": {"S": impressions_partition(shopper)},
                    ":first": {"S": f"{_KEY_PREFIX}{max(since_ms, 0):0{_TIME_DIGITS}}"},
                },
                ScanIndexForward=False,
                Limit=MAX_LISTS,
            )
        return [_impressions(shopper, item) for item in answer["Items"]]


def impressions_partition(shopper: str) -> str:
    return f"{_PARTITION_PREFIX}{shopper}"


def sightings(
    lists: Iterable[Impressions], fatigue: Fatigue, *, reactions: Mapping[str, int], now_ms: int
) -> dict[str, float]:
    """Return the weighted number of sightings per item since the shopper's last reaction to the item, decayed by age.

    An item counts once per list. In a list of the log, the item at place k, from 1, counts 1 / log2(1 + k), because
    shoppers examine later places less often.

    Parameters
    ----------
    reactions
        Time of the latest interaction per item, in epoch milliseconds.
    """
    lists = list(lists)
    reported = {shown.list_id for shown in lists if shown.is_reported}
    counts: dict[tuple[str, str], float] = {}
    for shown in lists:
        if not shown.is_reported and shown.list_id in reported:
            continue
        decay = 0.5 ** (max(now_ms - shown.time_ms, 0) / (fatigue.half_life_hours * _MS_PER_HOUR))
        for place, item_id in enumerate(shown.item_ids, start=1):
            if shown.time_ms > reactions.get(item_id, -1):
                counts[shown.list_id, item_id] = decay if shown.is_reported else decay / math.log2(1 + place)
    totals: dict[str, float] = {}
    for (_, item_id), count in counts.items():
        totals[item_id] = totals.get(item_id, 0.0) + count
    return totals


def source_digest(source_id: str) -> str:
    """Return the hash of an event ID or recommendation ID. The sort key contains this hash instead of the ID."""
    return hashlib.blake2b(source_id.encode(), digest_size=8).hexdigest()


def _item(impressions: Impressions, *, lifetime_ms: int) -> dict[str, Any]:
    kind, digest = _REPORTED if impressions.is_reported else _SERVED, source_digest(impressions.source_id)
    return {
        PROFILES_PARTITION_KEY: {"S": impressions_partition(impressions.shopper)},
        PROFILES_SORT_KEY: {"S": f"{_KEY_PREFIX}{impressions.time_ms:0{_TIME_DIGITS}}{kind}{digest}"},
        "list_id": {"S": impressions.list_id},
        "items": {"S": orjson.dumps(list(impressions.item_ids)).decode()},
        "expires_at": {"N": str((impressions.time_ms + lifetime_ms) // 1000)},
    }


def _impressions(shopper: str, item: Mapping[str, Any]) -> Impressions:
    key = item[PROFILES_SORT_KEY]["S"].removeprefix(_KEY_PREFIX)
    return Impressions(
        shopper,
        item["list_id"]["S"],
        key[_TIME_DIGITS + 1 :],
        int(key[:_TIME_DIGITS]),
        orjson.loads(item["items"]["S"]),
        key[_TIME_DIGITS] == _REPORTED,
    )
