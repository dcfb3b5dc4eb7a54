"""Reading a profile stored as a DynamoDB item per interaction, compared with a single item for all interactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

import alsolike.runtime.aws
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from benchmarks import transport
from benchmarks.ingestion import NOW_MS
from benchmarks.measure import Result, cpu_medians_ms


def read_profile() -> Iterator[Result]:
    transport.use_memory_transport()
    client = alsolike.runtime.aws.client("dynamodb")
    store = ProfileStore(client, transport.TABLE)
    for length in (50, 100):
        yield _read_profile(length, store=store, client=client)


def _read_profile(length: int, *, store: ProfileStore, client: Any) -> Result:
    recent = [RecentInteraction(NOW_MS + n, f"{n:032x}", f"item{n * 79}", "view") for n in range(2 * length)]
    store.add(f"u#{length}", recent, now_ms=NOW_MS)
    key = {"profile_id": {"S": f"packed{length}"}}
    packed = orjson.dumps([tuple(each) for each in recent[-length:]])
    client.put_item(TableName=transport.TABLE, Item={**key, "recent": {"B": packed}})

    def unpack() -> tuple[RecentInteraction, ...]:
        item = client.get_item(TableName=transport.TABLE, Key=key)["Item"]
        return tuple(map(RecentInteraction._make, orjson.loads(bytes(item["recent"]["B"]))))

    def query() -> tuple[RecentInteraction, ...]:
        return store.read(f"u#{length}", length=length).recent

    if unpack() != query():
        raise RuntimeError("the ways to read a profile differ")
    medians = cpu_medians_ms({"product": query, "floor": unpack}, rounds=30, repeats=20)
    return Result(
        "read_profile",
        f"the latest {length} of {2 * length} interactions",
        medians["product"],
        "get_item of one packed item",
        medians["floor"],
        note="DynamoDB is an in-memory transport",
    )
