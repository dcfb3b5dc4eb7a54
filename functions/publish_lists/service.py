"""Static lists: a file of lists, and shards with items, their columns and the items that often follow each item.

A shard is named after its content. So a page with the previous file of lists still finds its shards, a repeated call
uploads nothing, and browsers may cache shards forever. The file of lists is written last, and only if no other call
wrote it since the champion was read. Then shards that neither this file nor its predecessor names are deleted.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import orjson

from alsolike.arrays.ragged import find, hashes_of
from alsolike.catalogue.rows import column_texts
from alsolike.configuration.configuration import Configuration
from alsolike.declarations.storage import LISTS_KEY, LISTS_PREFIX
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterEvaluator, FilterInputs
from alsolike.recommendations.request_fields import FOR_YOU, POPULAR, SIMILAR_ITEMS, TRENDING
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object, listed
from alsolike.snapshot.snapshot import Snapshot
from functions.publish_lists.champion_lists import ChampionLists

FORMAT = 1
MAX_LISTED = 100
"""Maximum number of items in the list of popular items, and in the list of trending items."""

MAX_ITEMS = 100_000
"""Maximum number of the most frequent items in the shards. The shards also contain all listed items."""

SHARD_BYTES = 16_000
"""Maximum average size of the shards in bytes. A browser reads a shard per item of the history and per item of a
list."""

MAX_SHARD_BYTES = 50_000
MAX_COLUMNS_BYTES = 4_000
"""Maximum size of an item's columns, in bytes. Larger columns are omitted."""

_FOREVER, _A_MINUTE = "public, max-age=31536000, immutable", "public, max-age=60"
_CONNECTIONS = 16


@dataclasses.dataclass(frozen=True, slots=True)
class StaticLists:
    lists: bytes
    shards: Mapping[str, bytes]


def static_lists(
    champion: ChampionLists | None,
    snapshot: Snapshot,
    configuration: Configuration,
    *,
    trending: Sequence[str],
    now_ms: int,
) -> StaticLists:
    """Return the files of a champion. Without a champion, only trending items are listed.

    The files contain no items that were deleted from the catalogue. Lists contain only items that the default filter of
    their recommender passes. `trending` is sorted, best first.
    """
    ids = [] if champion is None else champion.item_ids
    known = list(dict.fromkeys([*ids, *trending]))
    passing = _default_filters(known, snapshot, configuration, now_ms=now_ms)
    ranked = passing(FOR_YOU) & passing(SIMILAR_ITEMS)
    popular = [] if champion is None else champion.popular
    list_ids = {
        "popular": [item_id for item_id in popular if item_id in passing(POPULAR)][:MAX_LISTED],
        "trending": [item_id for item_id in trending if item_id in passing(TRENDING)][:MAX_LISTED],
    }
    published = dict.fromkeys([item_id for item_id in ids[:MAX_ITEMS] if item_id in ranked])
    published.update(dict.fromkeys([*list_ids["popular"], *list_ids["trending"]]))
    rows = snapshot.rows(list(published)).tolist()
    columns = [(name, name) for name in configuration.sessions.columns]
    entries = {}
    for item_id, row in zip(published, rows, strict=True):
        targets = champion.next_items(item_id) if champion is not None and item_id in ranked else {}
        entries[item_id] = _entry(
            {to: score for to, score in targets.items() if to in published and to in ranked},
            column_texts(snapshot.properties(row), columns) if row >= 0 else {},
        )
    shards = _shards(entries)
    names = [hashlib.sha256(shard).hexdigest()[:16] for shard in shards]
    document = {
        "format": FORMAT,
        **list_ids,
        "eventWeights": _weights(champion, configuration),
        **({} if champion is None else _ranking(champion)),
        "shards": names,
    }
    return StaticLists(orjson.dumps(document), dict(zip(names, shards, strict=True)))


def publish(client: S3Client, bucket: str, read: Callable[[], StaticLists]) -> bool:
    """Publish the files that `read` returns. Return false if they are published already.

    Raise `ConcurrentUpdate` if another call has published meanwhile.
    """
    pointer = S3Object(client, bucket, LISTS_KEY)
    stored = pointer.read()
    files = read()
    if stored is not None and stored.body == files.lists:
        return False
    known = {entry.key for entry in listed(client, bucket, LISTS_PREFIX)} - {LISTS_KEY}
    shards = {_key(name): shard for name, shard in files.shards.items()}

    def upload(key: str) -> None:
        with translate_aws_errors(f"s3://{bucket}/{key}"):
            client.put_object(
                Bucket=bucket, Key=key, Body=shards[key], ContentType="application/json", CacheControl=_FOREVER
            )

    with ThreadPoolExecutor(_CONNECTIONS, "shards") as pool:
        list(pool.map(upload, sorted(shards.keys() - known)))
        pointer.replace(files.lists, etag=stored.etag if stored else None, cache_control=_A_MINUTE)
        named = {_key(name) for name in (orjson.loads(stored.body)["shards"] if stored else ())}
        list(pool.map(lambda key: S3Object(client, bucket, key).delete(), sorted(known - shards.keys() - named)))
    return True


def _key(name: str) -> str:
    return f"{LISTS_PREFIX}{name}.json"


def _default_filters(
    item_ids: Sequence[str], snapshot: Snapshot, configuration: Configuration, *, now_ms: int
) -> Callable[[str], set[str]]:
    """Return a function that returns the items that a recommender may recommend to a visitor without interactions."""
    hashes = hashes_of([item_id.encode() for item_id in item_ids])
    alive = find(np.sort(snapshot.deleted_hashes()), hashes) < 0
    numbers = {item_id: number for number, item_id in enumerate(item_ids, start=1)}
    evaluator = FilterEvaluator(
        snapshot,
        np.concatenate([[-1], snapshot.rows_by_hash(hashes)]),
        positions=lambda item_ids: np.array([numbers.get(item_id, 0) for item_id in item_ids], np.int64),
        canonical=configuration.canonical_event_type,
    )

    @functools.cache
    def passing(recommender: str) -> set[str]:
        name = configuration.recommenders[recommender].filter
        allowed = alive
        if name is not None:
            bias = evaluator.bias(parser.parse(configuration.filters[name]), FilterInputs(now_ms=now_ms), name=name)
            allowed = alive & (bias[1:] > -np.inf)
        return {item_ids[place] for place in np.flatnonzero(allowed).tolist()}

    return passing


def _ranking(champion: ChampionLists) -> dict[str, Any]:
    manifest = champion.manifest
    half_life = manifest.history.half_life_days
    return {
        "model": manifest.version,
        "positionDecay": champion.lists.position_decay,
        "halfLifeDays": half_life if math.isfinite(half_life) else None,
        "excludeSeen": manifest.exclude_seen,
        "excludeBought": manifest.exclude_bought,
    }


def _weights(champion: ChampionLists | None, configuration: Configuration) -> dict[str, float]:
    """Return the champion's weights above 0, by event type name, including aliases."""
    weights = {} if champion is None else champion.manifest.history.event_weights
    return {
        spelling: weight
        for name, weight in weights.items()
        if weight > 0
        for spelling in (name, *(configuration.events[name].aliases if name in configuration.events else ()))
    }


def _entry(targets: Mapping[str, np.float32], columns: Mapping[str, str]) -> bytes:
    if columns and len(orjson.dumps(columns)) > MAX_COLUMNS_BYTES:
        columns = {}
    entry = {**({"next": targets} if targets else {}), **({"columns": columns} if columns else {})}
    return orjson.dumps(entry, option=orjson.OPT_SERIALIZE_NUMPY)


def _shards(entries: Mapping[str, bytes]) -> list[bytes]:
    """Return the shards.

    An item's shard is its hash modulo the number of shards. The number doubles until no shard is larger than
    `MAX_SHARD_BYTES`, or than a shard with only the largest item.
    """
    members = [(_fnv(item_id), orjson.dumps(item_id) + b":" + entry) for item_id, entry in entries.items()]
    sizes = [len(member) for _, member in members]
    max_bytes = max(MAX_SHARD_BYTES, max(sizes, default=0) + len(b"{}"))
    count = math.ceil(sum(sizes) / SHARD_BYTES)
    while True:
        parts: list[list[bytes]] = [[] for _ in range(count)]
        for number, member in members:
            parts[number % count].append(member)
        shards = [b"{" + b",".join(part) + b"}" for part in parts]
        if max(map(len, shards), default=0) <= max_bytes:
            return shards
        count *= 2


def _fnv(text: str) -> int:
    """Return the 32-bit FNV-1a hash of a text in UTF-8: https://datatracker.ietf.org/doc/html/draft-eastlake-fnv."""
    number = 0x811C9DC5
    for byte in text.encode():
        number = (number ^ byte) * 0x01000193 & 0xFFFFFFFF
    return number
