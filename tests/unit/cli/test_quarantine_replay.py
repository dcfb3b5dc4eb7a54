"""Replay of quarantined records to the stream."""

import json
import re

import pytest

from alsolike.events.interactions import parse_record
from alsolike.events.stream import StreamRecord
from alsolike.lake.dead_letters import QuarantinedRecord, original_key
from alsolike.runtime.errors import Unavailable
from operations.client import deployment as deployments
from operations.quarantine.replay import MAX_ATTEMPTS, Replayer
from operations.quarantine.selection import Selection
from operations.quarantine.store import QuarantineStore
from tests.unit.cli.held_back import (
    ARRIVED_MS,
    BATCH_KEY,
    document,
    event,
    hold,
    hold_batch,
    keys,
    on_the_stream,
    open_shop,
    put,
    run,
)


@pytest.fixture
def shop(client, monkeypatch):
    opened = open_shop(client)
    monkeypatch.setattr(deployments, "resolve", lambda **_: opened)
    return opened


def test_replayed_records_are_unchanged_and_removed_from_quarantine(shop):
    key = hold(shop, event("e1", event_type="wish"), reason="event_type is 'wish'", sequence=1, partition_key="own")
    hold(shop, event("e2"), reason="other", sequence=2)

    assert document("replay", key) == {"objects": 1, "records": 1, "not_replayable": 0, "dry_run": False}

    assert on_the_stream(shop) == [("own", event("e1", event_type="wish"))]
    assert [each["reason"] for each in document("list")] == ["other"]


def test_records_of_failed_batches_are_replayed(shop):
    hold_batch(shop, event("e1"), b"poison")

    result = run("replay", "--all")

    assert "put 2 records of 1 object on the stream" in result.stdout
    assert on_the_stream(shop) == [("u#anna", event("e1")), ("u#anna", b"poison")]
    assert keys(shop) == []


def test_replay_selects_by_reason_and_time(shop):
    hold(shop, event("e1"), reason="clock ahead", sequence=1)
    hold(shop, event("e2"), reason="no item", sequence=2)

    assert document("replay", "--reason", "clock", "--since", "2020-01-01T00:00:00Z")["records"] == 1

    assert [each["reason"] for each in document("list")] == ["no item"]


def test_replay_accepts_a_reason_as_printed_by_the_totals(shop):
    hold(shop, event("e1"), reason="event_type is 'wish', expected one of view", sequence=1)
    hold(shop, event("e2"), reason="no item", sequence=2)
    printed = next(each["reason"] for each in document("list", "--totals") if "event_type" in each["reason"])

    assert "…" in printed
    assert document("replay", "--reason", printed)["records"] == 1
    assert [each["reason"] for each in document("list")] == ["no item"]


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_reason_without_matches_is_refused_with_the_existing_reasons(shop, verb):
    hold(shop, event("e1"), reason="event_type is 'wish'", sequence=1)
    hold(shop, event("e2"), reason="event_type is 'vew'", sequence=2)

    result = run(verb, "--reason", "clock", "--yes") if verb == "drop" else run(verb, "--reason", "clock")

    assert result.exit_code == 1
    assert str(result.exception) == ("Nothing in quarantine was selected. Existing reasons:\n  2 x event_type is …")


def test_replay_of_an_empty_quarantine_succeeds(shop):
    assert document("replay", "--all")["records"] == 0


def test_dry_run_counts_and_changes_nothing(shop):
    hold(shop, event("e1"))
    before = keys(shop)

    assert document("replay", "--all", "--dry-run") == {
        "objects": 1,
        "records": 1,
        "not_replayable": 0,
        "dry_run": True,
    }
    assert document("drop", "--all", "--dry-run")["dropped"][0]["reason"] == "bad"

    assert (keys(shop), on_the_stream(shop)) == (before, [])


def test_objects_that_cannot_be_replayed_are_kept_and_counted(shop):
    put(shop, "quarantine/dt=2026-09-21/notes.json", b"{}")
    hold_batch(shop, b"a row", key=f"{BATCH_KEY}-table", DDBStreamBatchInfo={}, KinesisBatchInfo=None)
    hold(shop, event("e1"))

    counts = document("replay", "--all")

    assert (counts["objects"], counts["not_replayable"]) == (1, 2)
    assert len(keys(shop)) == 2
    assert {each["kind"] for each in document("list")} == {"unknown", "failed batch"}


def test_log_line_is_shown_and_not_replayed(shop):
    line = StreamRecord("recommend-log", "served-0123456789abcdef", "7", ARRIVED_MS, b'{"served": {}}')
    held = QuarantinedRecord(line, "served.recommendation_id is missing")
    put(shop, held.key, held.to_json())

    (listed,) = document("list")
    counts = document("replay", "--all")

    assert (listed["kind"], listed["data"]) == ("line of a log", '{"served": {}}')
    assert (counts["objects"], counts["not_replayable"], keys(shop)) == (0, 1, [held.key])


def test_replay_interrupted_before_the_deletion_repeats_the_record(shop):
    hold(shop, event("e1"))

    class Stopped(QuarantineStore):
        def delete(self, held):
            raise KeyboardInterrupt

    store = Stopped(shop)
    with pytest.raises(KeyboardInterrupt):
        Replayer(shop, store).replay(store.read(store.entries()))
    assert document("replay", "--all")["records"] == 1

    twice = on_the_stream(shop)
    # Readers count one event, because the IDs are equal.
    assert [json.loads(data)["event_id"] for _, data in twice] == ["e1", "e1"]
    assert len({parse_record(data, arrived_ms=ARRIVED_MS).event_id for _, data in twice}) == 1
    assert keys(shop) == []


def test_records_refused_by_the_stream_are_retried_and_others_kept(shop):
    for n in range(3):
        hold(shop, event(f"e{n}"), sequence=n)

    class Throttling:
        def __init__(self, refusals):
            self.refusals = refusals

        def put_records(self, **call):
            self.refusals -= 1
            if self.refusals < 0:
                return shop.client("kinesis").put_records(**call)
            refused = [{"ErrorCode": "ProvisionedThroughputExceededException"} for _ in call["Records"]]
            taken = shop.client("kinesis").put_records(StreamName=call["StreamName"], Records=call["Records"][:1])
            return {"Records": [*taken["Records"], *refused[1:]]}

    def replayer(refusals):
        made = Replayer(shop, store, sleep=pauses.append)
        made._client = Throttling(refusals)
        return made

    store, pauses = QuarantineStore(shop), list[float]()
    refused = replayer(0)
    refused._client.put_records = lambda **call: {"Records": [{"ErrorCode": "Busy"} for _ in call["Records"]]}
    with pytest.raises(Unavailable, match=rf"rejected 3 records in {MAX_ATTEMPTS} attempts \(Busy\)"):
        refused.replay(store.read(store.entries()))
    assert len(keys(shop)) == 3

    patient = replayer(2)
    patient.replay(store.read(store.entries()))

    assert (patient.counts.records, keys(shop)) == (3, [])
    assert sorted(json.loads(data)["event_id"] for _, data in on_the_stream(shop)) == ["e0", "e1", "e2"]
    assert pauses[-2:] == [0.1, 0.2]


def test_many_records_are_put_in_calls_of_500(shop):
    hold_batch(shop, *(event(f"e{n}") for n in range(501)))
    sizes = []
    store = QuarantineStore(shop)
    replayer = Replayer(shop, store)

    class Counting:
        def put_records(self, **call):
            sizes.append(len(call["Records"]))
            return {"Records": [{} for _ in call["Records"]]}

    replayer._client = Counting()
    replayer.replay(held for held in Selection().read(store, store.entries()) if held is not None)

    assert sizes == [500, 1]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (event(user_id="anna"), "u#anna"),
        (event(user_id=None, session_id="s1"), "s#s1"),
        (event(user_id=7, session_id="s1"), "s#s1"),
        (b"not JSON", r"[0-9a-f]{32}"),
        (b"[1]", r"[0-9a-f]{32}"),
        (event(user_id="x" * 300), r"[0-9a-f]{64}"),
    ],
)
def test_record_without_a_partition_key_gets_the_key_of_its_producer(data, expected):
    assert re.fullmatch(expected, original_key(StreamRecord("events", "s", "1", 1, data)))
