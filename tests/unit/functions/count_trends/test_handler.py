"""Handler of trend counters, with S3's conditional writes."""

import pytest

from alsolike.trends.counters import ShardCounts
from alsolike.trends.store import TrendsReader, TrendsStore, trends_key
from alsolike.trends.windows import WINDOWS
from functions.count_trends import handler
from tests.builders.lambda_events import NOW_MS, SHARD, LambdaContext, interaction, kinesis_event, sequence


@pytest.fixture
def invoke(artefact_bucket, monkeypatch):
    monkeypatch.setenv("ARTEFACT_BUCKET", artefact_bucket)
    monkeypatch.setenv("SECRET_ARN", "the-key")
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


def test_stale_counts_in_memory_are_read_again(invoke, items, start_new_process):
    invoke(kinesis_event([interaction("e1")]))
    remembered = handler._sources()
    start_new_process()
    invoke(kinesis_event([interaction("e2", item_id="plum")], first=1))

    handler_sources, handler._sources = handler._sources, lambda: remembered  # type: ignore[assignment]
    try:
        invoke(kinesis_event([interaction("e2", item_id="plum"), interaction("e3", item_id="fig")], first=1))
    finally:
        handler._sources = handler_sources

    assert items() == pytest.approx({"pear": 1, "plum": 1, "fig": 1}, rel=1e-3)


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
