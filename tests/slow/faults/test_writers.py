"""Requests and publications whose process is killed, or whose store rejects calls."""

import json

import pytest

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.snapshot.snapshot import Snapshot
from alsolike.snapshot.store import SnapshotStore
from tests.builders.lambda_events import NOW_MS, http_event
from tests.slow.faults.proxy import BROKEN, THROTTLED, throttled_times

EVENTS = http_event(
    "POST /events",
    {
        "trackingId": "alsolike-test",
        "sessionId": "s1",
        "userId": "anna",
        "eventList": [{"eventType": "view", "itemId": f"item-{n}", "sentAt": NOW_MS / 1000} for n in range(3)],
    },
)
ITEMS = http_event(
    "POST /items",
    {
        "datasetArn": "arn:aws:personalize:eu-west-1:123456789012:dataset/alsolike-test/ITEMS",
        "items": [{"itemId": f"item-{n}", "properties": '{"price": 1.5}'} for n in range(3)],
    },
)


def changed(item_id, number, **properties):
    return {
        "eventID": f"change-{number}",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/catalogue/stream/2026-01-01T00:00:00.000",
        "dynamodb": {
            "Keys": {"item_id": {"S": item_id}},
            "SequenceNumber": str(number),
            "NewImage": {
                "item_id": {"S": item_id},
                "properties": {"S": json.dumps(properties)},
                "updated_at_ms": {"N": str(NOW_MS + number)},
            },
        },
    }


CHANGES = {"Records": [changed("pear", 1, price=1), changed("fig", 2, price=2), changed("pear", 3, price=3)]}


def sent(stores):
    shard = stores.kinesis.list_shards(StreamName="events")["Shards"][0]["ShardId"]
    start = stores.kinesis.get_shard_iterator(StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = stores.kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
    found = [json.loads(record["Data"]) for record in records]
    return sorted({(record["event_id"], record["user_id"], record["item_id"]) for record in found})


def stored(stores):
    return sorted((row["item_id"]["S"], row["properties"]["S"]) for row in stores.rows("catalogue"))


@pytest.fixture
def published(tmp_path):
    def state(stores):
        store = SnapshotStore(stores.s3, "artefact-bucket", tmp_path)
        snapshot = Snapshot.open([store.fetch(entry) for entry in store.manifest().manifest.segments], version="1")
        items = {snapshot.item_id(row): snapshot.properties(row) for row in snapshot.live_rows()}
        bodies = stores.objects("lake-bucket", ChangeKind.ITEM.prefix).values()
        log = change_log.newest(change for body in bodies for change in change_log.decode(ChangeKind.ITEM, body))
        return items, log

    return state


@pytest.mark.parametrize(
    ("call", "state"),
    [pytest.param(EVENTS, sent, id="events", marks=pytest.mark.ci), pytest.param(ITEMS, stored, id="items")],
)
def test_request_killed_at_any_step_can_be_repeated(stores, call, state):
    stores.killed_everywhere("collect", call, state=state)


@pytest.mark.parametrize("answers", [THROTTLED, BROKEN], ids=["throttled", "broken"])
@pytest.mark.parametrize(
    ("call", "state", "service"),
    [
        pytest.param(EVENTS, sent, "kinesis", id="events", marks=pytest.mark.ci),
        pytest.param(ITEMS, stored, "dynamodb", id="items"),
    ],
)
def test_refusal_of_a_store_is_retried_or_answered_without_loss(stores, call, state, service, answers):
    once = stores.run("collect", call, plan=throttled_times(1, answers=answers, service=service))
    assert once.answer["statusCode"] == 200
    assert len(state(stores)) == 3
    stores.reset()

    down = stores.run("collect", call, plan=throttled_times(99, answers=answers, service=service))

    assert down.answer["statusCode"] == 503
    assert state(stores) == []


def test_publication_killed_at_any_step_has_the_same_result(stores, published):
    stores.killed_everywhere("publish_catalog", CHANGES, state=published)

    assert published(stores)[0] == {"pear": {"price": 3}, "fig": {"price": 2}}


@pytest.mark.ci
@pytest.mark.parametrize("answers", [THROTTLED, BROKEN], ids=["throttled", "broken"])
def test_publication_retries_a_refusing_store(stores, published, answers):
    done = stores.run("publish_catalog", CHANGES, plan=throttled_times(2, answers=answers, service="s3"))

    assert 0 < done.paused_s < 60
    assert published(stores)[0] == {"pear": {"price": 3}, "fig": {"price": 2}}
