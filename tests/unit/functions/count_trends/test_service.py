"""Addition of events to trend counters, in which repetitions of recent events do not count."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.events.interactions import MAX_TIME_MS
from alsolike.events.stream_records import StreamRecord, stream_records
from alsolike.privacy.tombstones import no_erased_users
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from alsolike.runtime.s3 import Content
from alsolike.trends.counters import ShardCounts
from alsolike.trends.store import TrendsReader, TrendsStore, trends_key
from alsolike.trends.windows import WINDOWS
from functions.count_trends import handler
from functions.count_trends.service import MAX_ATTEMPTS, Counters, CountResult, count_trends
from tests.builders.configurations import RATING, Applied, with_clock_skew
from tests.builders.lambda_events import (
    FIRST_SEQUENCE,
    NOW_MS,
    SHARD,
    LambdaContext,
    interaction,
    kinesis_event,
    sequence,
)

KEY = trends_key(SHARD)


class MemoryStore(TrendsStore):
    """Objects in memory, with conditional writes."""

    def __init__(self):
        super().__init__(cast("Any", None), "memory")
        self.objects: dict[str, Content] = {}
        self.versions = itertools.count()
        self.writes = 0

    def read(self, key):
        return self.objects.get(key)

    def write(self, key, counts, *, replaces):
        found = self.objects.get(key)
        if (found.etag if found else None) != replaces:
            raise ConcurrentUpdate(f"{key} was written by another caller")
        etag = str(next(self.versions))
        self.objects[key] = Content(counts.to_bytes(), etag)
        self.writes += 1
        return etag

    def counts(self, shard=SHARD):
        return ShardCounts.from_bytes(self.objects[trends_key(shard)].body, name=shard)

    def weights(self):
        """Return the weight per item in the window `1h`, decayed until one minute before `NOW_MS`."""
        counts = self.counts()
        hour = list(WINDOWS).index("1h")
        age_ms = counts.as_of_ms - (NOW_MS - 60_000)
        return dict(zip(counts.items, (counts.counts[:, hour] * math.exp(age_ms / 3_600_000)).tolist(), strict=True))


def count(store, records, *, counters=None, configurations=None, erased=no_erased_users, shard=SHARD, first=0):
    return count_trends(
        stream_records(kinesis_event(records, shard=shard, first=first)),
        counters=counters or Counters(store),
        configurations=configurations or Applied(),
        now_ms=NOW_MS,
        erased=erased,
    )


def test_event_counts_with_the_weight_of_its_type():
    store = MemoryStore()

    bought, added = {"event_type": "purchase"}, {"item_id": "plum", "event_type": "AddToCart"}
    outcome = count(store, [interaction("e1"), interaction("e2", **bought), interaction("e3", **added)])

    assert outcome == CountResult(counted=3, repeated=0, unreadable=0)
    assert store.weights() == pytest.approx({"pear": 1 + 5, "plum": 3}, rel=1e-5)


def test_events_without_positive_weight_or_item_do_not_count():
    store = MemoryStore()

    outcome = count(
        store,
        [
            interaction("e1", event_type="return"),
            interaction("e2", event_type="search", query="shoes"),
            interaction("e3", event_type="search", item_id=None, query="shoes"),
        ],
    )

    assert outcome == CountResult(counted=0, repeated=0, unreadable=0)
    assert store.objects == {}


def test_weights_come_from_the_configuration_at_arrival():
    store = MemoryStore()
    # The configuration contains the event type `rating` from the second read on.
    configurations = Applied(with_clock_skew(300), RATING)

    count(store, [interaction("e1"), interaction("e2", event_type="rating")], configurations=configurations)

    assert store.weights() == pytest.approx({"pear": 1 + 2}, rel=1e-5)


@pytest.mark.parametrize(("ahead_ms", "counted"), [(300_000, 1), (300_002, 0), (MAX_TIME_MS - NOW_MS, 0)])
def test_future_event_counts_at_arrival_or_is_rejected(ahead_ms, counted):
    store = MemoryStore()

    outcome = count(store, [interaction("e1", event_time_ms=NOW_MS + ahead_ms)])

    assert (outcome.counted, outcome.unreadable) == (counted, 1 - counted)
    if counted:
        np.testing.assert_array_equal(store.counts().counts, [[1, 1, 1, 1, 1, 0]])
        assert store.counts().as_of_ms == NOW_MS  # A clock that is ahead does not decay the other counters.


def test_late_event_counts_by_its_event_time():
    store = MemoryStore()

    count(store, [interaction("e1", event_time_ms=NOW_MS - 3_600_000)])

    assert store.counts().counts[0, list(WINDOWS).index("1h")] == pytest.approx(math.exp(-1))


def test_batch_already_counted_is_skipped_without_a_write():
    store = MemoryStore()
    records = [interaction("e1"), interaction("e2")]

    first, second = count(store, records), count(store, records)

    assert (first, second) == (CountResult(2, 0, 0), CountResult(0, 2, 0))
    assert store.writes == 1


def test_sequence_numbers_are_compared_as_integers():
    store = MemoryStore()
    event = kinesis_event([interaction("e1"), interaction("e2")])
    event["Records"][0]["kinesis"]["sequenceNumber"] = "9"
    event["Records"][1]["kinesis"]["sequenceNumber"] = "10"
    counters = Counters(store)

    for record in stream_records(event):
        count_trends([record], counters=counters, configurations=Applied(), now_ms=NOW_MS)

    assert store.weights() == pytest.approx({"pear": 2}, rel=1e-5)


def test_repeated_event_id_of_a_session_counts_once():
    store = MemoryStore()
    counters = Counters(store)
    first = [interaction("e1", user_id=None, session_id=session) for session in ("s1", "s1", "s2")]
    again = [interaction(event_id, user_id=None, session_id="s1") for event_id in ("e1", "e2")]

    outcomes = [
        count(store, events, counters=counters, first=begin) for begin, events in ((0, first), (len(first), again))
    ]

    assert [(outcome.counted, outcome.repeated) for outcome in outcomes] == [(2, 1), (1, 1)]
    assert store.weights() == pytest.approx({"pear": 3}, rel=1e-5)


def test_event_id_counts_again_after_many_others(monkeypatch):
    monkeypatch.setattr("alsolike.trends.counters.REMEMBERED_EVENTS", 2)
    store = MemoryStore()
    counters = Counters(store)

    for begin, event_id in enumerate(("e1", "e2", "e1", "e3", "e1")):
        count(store, [interaction(event_id)], counters=counters, first=begin)

    # The second e1 is a known duplicate. The last e1 counts again, because e1 was forgotten by then.
    assert store.weights() == pytest.approx({"pear": 4}, rel=1e-5)
    assert len(store.counts().recent) == 2


def test_shards_are_counted_separately():
    store = MemoryStore()
    counters = Counters(store)
    for shard, item in (("shardId-0", "pear"), ("shardId-1", "plum"), ("shardId-0", "fig")):
        event = interaction(f"of-{item}", item_id=item)
        count(store, [event], counters=counters, shard=shard, first=int(item == "fig"))

    assert store.counts("shardId-0").items == ("pear", "fig")
    assert store.counts("shardId-1").items == ("plum",)


def test_unreadable_trends_object_is_replaced(logged):
    store = MemoryStore()
    store.objects[KEY] = Content(b"alsolike-trends-0", "old")

    assert count(store, [interaction("e1")]).counted == 1
    assert store.counts().items == ("pear",)
    assert "trends of a shard restart" in logged()


class Hurried(MemoryStore):
    """Store in which another writer is faster during the first `times` writes."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def write(self, key, counts, *, replaces):
        if self.times:
            self.times -= 1
            raise ConcurrentUpdate(f"{key} was written by another caller")
        return super().write(key, counts, replaces=replaces)


def test_lost_write_race_is_retried_up_to_the_limit():
    assert count(Hurried(MAX_ATTEMPTS - 1), [interaction("e1")]).counted == 1
    with pytest.raises(ConcurrentUpdate, match="changed 5 times while it was updated"):
        count(Hurried(MAX_ATTEMPTS), [interaction("e1")])


class Flaky(MemoryStore):
    """Store that does not acknowledge some writes, which may or may not succeed."""

    def __init__(self, fates):
        super().__init__()
        self.fates = list(fates)

    def write(self, key, counts, *, replaces):
        fate = self.fates.pop() if self.fates else "kept"
        if fate == "lost":
            raise Unavailable("s3 was not reached")
        etag = super().write(key, counts, replaces=replaces)
        if fate == "silent":
            raise Unavailable("s3 did not answer")
        return etag


EVENTS = [
    interaction(
        f"e{n}",
        item_id=f"i{n % 5}",
        event_type=("return", "view", "purchase", "cart")[n % 4],
        event_time_ms=NOW_MS - 3_600_000 * (n % 3),
    )
    for n in range(24)
]
RECORDS: Sequence[StreamRecord] = [
    record._replace(arrived_ms=NOW_MS + 7 * 60_000 * number)
    for number, record in enumerate(stream_records(kinesis_event(EVENTS)))
]


@given(
    deliveries=st.lists(
        st.tuples(st.integers(0, 23), st.integers(1, 24), st.integers(0, 2)), max_size=15
    ),  # Tuples of first event, number of events, and process.
    fates=st.lists(st.sampled_from(["kept", "lost", "silent"]), max_size=15),
)
def test_counts_do_not_depend_on_batching_or_repeated_batches(deliveries, fates):
    straight, tangled = MemoryStore(), Flaky(fates)
    count_trends(RECORDS, counters=Counters(straight), configurations=Applied(), now_ms=NOW_MS)
    processes = [Counters(tangled) for _ in range(3)]  # Each process has a separate cache.
    done = 0

    def deliver(first, last, process):
        """Deliver a batch as Lambda does, in order and again after a failure. Return the number of processed events."""
        try:
            count_trends(RECORDS[first:last], counters=processes[process], configurations=Applied(), now_ms=NOW_MS)
        except Unavailable:
            return done
        return max(done, last)

    for back, size, process in deliveries:
        first = max(done - back, 0)
        if first < len(RECORDS):
            done = deliver(first, min(first + size, len(RECORDS)), process)
    while done < len(RECORDS):
        done = deliver(done, len(RECORDS), 0)

    expected, found = straight.counts(), tangled.counts()
    assert len(expected.items) == 5
    assert found.sequence == FIRST_SEQUENCE + 23
    assert (found.as_of_ms, found.items) == (expected.as_of_ms, expected.items)
    np.testing.assert_allclose(found.counts, expected.counts, rtol=1e-5)
    np.testing.assert_allclose(found.totals, expected.totals, rtol=1e-5)


@pytest.fixture
def invoke(artefact_bucket):
    return lambda event: handler.lambda_handler(event, LambdaContext())


@pytest.fixture
def items(aws, artefact_bucket):
    """Return a function that returns the baseline of each item."""

    def read():
        stored = TrendsStore(aws("s3"), artefact_bucket).read(trends_key(SHARD))
        counts = ShardCounts.from_bytes(stored.body, name="stored")
        return dict(zip(counts.items, counts.counts[:, len(WINDOWS)].tolist(), strict=True))

    return read


def test_repeated_batches_count_each_event_once(invoke, aws, artefact_bucket, counted, start_new_process):
    batch = kinesis_event([*(interaction(f"e{n}") for n in range(20)), b"poison"])

    answers = [invoke(batch), invoke(batch)]
    start_new_process()
    answers.append(invoke(batch))
    purchases = [interaction(f"p{n}", item_id="plum", event_type="purchase") for n in range(4)]
    answers.append(invoke(kinesis_event(purchases, first=21)))

    assert answers == [{"batchItemFailures": []}] * 4
    assert counted() == {"TrendsCounted": 20 + 0 + 0 + 4, "TrendsRepeated": 20 + 20, "RecordsUnreadable": 3}
    trends = TrendsReader(aws("s3"), artefact_bucket).current(now_ms=NOW_MS)
    assert [item for item, _ in trends.best("1h", now_ms=NOW_MS)] == ["pear", "plum"]


def test_s3_failure_returns_the_batch_for_retry(invoke, aws, artefact_bucket, logged):
    aws("s3").delete_bucket(Bucket=artefact_bucket)

    answer = invoke(kinesis_event([interaction("e1"), interaction("e2")]))

    assert answer == {"batchItemFailures": [{"itemIdentifier": sequence(0)}]}
    assert "trends not counted" in logged()
    assert "anna" not in logged()


def test_deleted_trends_object_is_started_again(invoke, aws, artefact_bucket, items):
    invoke(kinesis_event([interaction("e1")]))
    aws("s3").delete_object(Bucket=artefact_bucket, Key=trends_key(SHARD))

    invoke(kinesis_event([interaction("e2", item_id="plum")], first=1))

    assert items().keys() == {"plum"}


def test_events_of_erased_users_and_agents_do_not_count(invoke, erase, items, counted):
    erase("anna")

    agents = interaction("e3", user_id="ben", agent="assistant")
    invoke(kinesis_event([interaction("e1"), interaction("e2", user_id="ben", item_id="plum"), agents]))

    assert items().keys() == {"plum"}
    assert counted() == {"TrendsCounted": 1, "EventsOfErasedUsers": 1}
