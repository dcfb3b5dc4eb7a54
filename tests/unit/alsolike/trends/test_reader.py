from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from alsolike.runtime.polling import Polling
from alsolike.trends.counters import NOTHING_COUNTED, Event
from alsolike.trends.store import TrendsReader, TrendsStore, trends_key
from tests.fakes.places import BUCKET

NOW_MS = 1_790_000_000_000


def put(s3, shard, *items, replaces=None):
    events = [Event(n, item, NOW_MS, 30.0) for n, item in enumerate(items)]
    counts = NOTHING_COUNTED.add(events, sequence=len(items), arrived_ms=NOW_MS)
    return TrendsStore(s3, BUCKET).write(trends_key(f"shardId-{shard}"), counts, replaces=replaces)


def best(reader, *, now_ms=NOW_MS):
    return [item for item, _ in reader.current(now_ms=now_ms).best("1h", now_ms=now_ms)]


class Calls:
    def __init__(self, client):
        self.client = client
        self.read = []
        self.fails = False

    def get_paginator(self, name):
        if self.fails:
            raise EndpointConnectionError(endpoint_url="https://s3.test")
        return self.client.get_paginator(name)

    def get_object(self, **call):
        self.read.append(call["Key"])
        return self.client.get_object(**call)


def test_counters_of_shards_are_added(s3):
    put(s3, 0, "plum", "pear")
    put(s3, 1, "pear", "fig")

    assert best(TrendsReader(s3, BUCKET)) == ["pear", "fig", "plum"]


def test_only_changed_objects_are_read_after_the_interval(s3):
    etag = put(s3, 0, "plum")
    put(s3, 1, "pear")
    calls: Any = Calls(s3)
    reader = TrendsReader(calls, BUCKET, polling=Polling(30))
    assert best(reader) == ["pear", "plum"]
    put(s3, 0, "plum", "fig", replaces=etag)
    put(s3, 2, "quince")

    before = best(reader, now_ms=NOW_MS + 29_999)
    after = best(reader, now_ms=NOW_MS + 30_000)

    assert before == ["pear", "plum"]
    assert after == ["fig", "pear", "plum", "quince"]
    assert sorted(calls.read[2:]) == [trends_key("shardId-0"), trends_key("shardId-2")]


def test_unchanged_trends_are_the_same_object(s3):
    put(s3, 0, "plum")
    reader = TrendsReader(s3, BUCKET, polling=Polling(0))

    assert reader.current(now_ms=NOW_MS) is reader.current(now_ms=NOW_MS)


def test_deleted_object_no_longer_counts(s3):
    put(s3, 0, "plum")
    put(s3, 1, "pear")
    reader = TrendsReader(s3, BUCKET, polling=Polling(0))
    assert best(reader) == ["pear", "plum"]

    s3.delete_object(Bucket=BUCKET, Key=trends_key("shardId-1"))

    assert best(reader) == ["plum"]


def test_object_deleted_after_listing_is_ignored(s3):
    put(s3, 0, "plum")
    put(s3, 1, "pear")

    class Deleting(Calls):
        def get_object(self, **call):
            s3.delete_object(Bucket=BUCKET, Key=trends_key("shardId-1"))
            return super().get_object(**call)

    client: Any = Deleting(s3)
    assert best(TrendsReader(client, BUCKET)) == ["plum"]


def test_unreadable_object_is_omitted_and_read_once(s3):
    put(s3, 0, "plum")
    s3.put_object(Bucket=BUCKET, Key=trends_key("shardId-1"), Body=b"nonsense")
    calls: Any = Calls(s3)
    reader = TrendsReader(calls, BUCKET, polling=Polling(0))

    assert (best(reader), best(reader)) == (["plum"], ["plum"])
    assert len(calls.read) == 2
    assert reader.degraded
    s3.delete_object(Bucket=BUCKET, Key=trends_key("shardId-1"))
    put(s3, 1, "pear")
    assert best(reader) == ["pear", "plum"]
    assert not reader.degraded


def test_earlier_trends_decay_while_s3_is_unavailable(s3):
    put(s3, 0, "plum")
    calls: Any = Calls(s3)
    reader = TrendsReader(calls, BUCKET, polling=Polling(30))
    assert best(reader) == ["plum"]

    calls.fails = True
    kept = best(reader, now_ms=NOW_MS + 60_000)
    stale = reader.degraded
    faded = best(reader, now_ms=NOW_MS + 86_400_000)
    calls.fails = False
    put(s3, 1, "pear")
    back = best(reader, now_ms=NOW_MS + 86_400_000 + 30_000)

    assert (kept, stale, faded, back) == (["plum"], "stale-trends", [], [])
    assert not reader.degraded


def test_unavailable_store_before_the_first_read_raises_unavailable(s3):
    calls: Any = Calls(s3)
    calls.fails = True
    reader = TrendsReader(calls, BUCKET)

    with pytest.raises(Unavailable, match="the trends cannot be read"):
        reader.current(now_ms=NOW_MS)
    calls.fails = False

    assert best(reader) == []


@pytest.mark.parametrize("replaces", [None, '"0123456789abcdef0123456789abcdef"'])
def test_object_is_replaced_only_with_its_etag(s3, replaces):
    message = r"s3://artefacts/trends/shardId-0\.tensors was written by another process"
    put(s3, 0, "plum")

    with pytest.raises(ConcurrentUpdate, match=message):
        put(s3, 0, "pear", replaces=replaces)
