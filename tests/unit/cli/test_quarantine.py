"""Lists, details and deletion of quarantined records."""

import json
from datetime import UTC, datetime

import pytest

from alsolike.lake.dead_letters import read_dead_letter
from operations.client import deployment as deployments
from tests.unit.cli.held_back import ARRIVED_MS, BATCH_KEY, document, event, hold, hold_batch, keys, open_shop, run


@pytest.fixture
def shop(client, monkeypatch):
    opened = open_shop(client)
    monkeypatch.setattr(deployments, "resolve", lambda **_: opened)
    return opened


def test_records_and_failed_batches_are_listed_with_reasons(shop):
    hold(shop, b"poison", reason="record is not valid JSON")
    hold_batch(shop, event("e1"), event("e2"))

    listed = {each["kind"]: each for each in document("list")}

    assert listed["record"]["reason"] == "record is not valid JSON"
    assert listed["record"]["data"] == "poison"
    batch = listed["failed batch"]
    assert batch["reason"] == "archive gave up: RetryAttemptsExhausted (Unhandled error after 3 calls)"
    assert batch["given_up_ms"] == datetime(2026, 9, 21, 10, 11, 12, 345_000, UTC).timestamp() * 1000
    assert [json.loads(each["data"])["event_id"] for each in batch["records"]] == ["e1", "e2"]
    assert "failed batch of 2" in run("list").stdout


def test_list_is_filtered_by_reason_and_time(shop):
    hold(shop, b"a", reason="item_id is missing", sequence=1, arrived_ms=ARRIVED_MS)
    hold(shop, b"b", reason="event_type is 'x'", sequence=2, arrived_ms=ARRIVED_MS + 3_600_000)

    assert [each["data"] for each in document("list", "--reason", "ITEM_id")] == ["a"]
    since = datetime.fromtimestamp(ARRIVED_MS / 1000 + 1, UTC).isoformat()
    assert [each["data"] for each in document("list", "--since", since)] == ["b"]
    assert run("list", "--reason", "nothing like it").stdout == "no quarantined record matches\n"


@pytest.mark.parametrize("since", ["yesterday", "3", "2026-01-01T00:00:00", "-3d"])
def test_invalid_time_is_refused(shop, since):
    result = run("list", f"--since={since}")

    assert result.exit_code == 1
    assert f"--since is {since!r}" in str(result.exception)
    assert "or an age such as 90m, 6h or 3d" in str(result.exception)


def test_totals_count_reasons_without_values(shop):
    hold(shop, b"a", reason="event_time_ms is 123, more than 5 minutes in the future", sequence=1)
    hold(shop, b"b", reason="event_time_ms is 456, more than 5 minutes in the future", sequence=2)
    hold(shop, b"c", reason="event_type is 'vew', expected one of view", sequence=3)
    hold_batch(shop, event("e1"), event("e2"))

    assert document("list", "--totals") == [
        {
            "objects": 2,
            "records": 2,
            "kind": "record",
            "reason": "event_time_ms is …, more than … minutes in the future",
        },
        {"objects": 1, "records": 1, "kind": "record", "reason": "event_type is …, expected one of view"},
        {
            "objects": 1,
            "records": 2,
            "kind": "failed batch",
            "reason": "archive gave up: RetryAttemptsExhausted (Unhandled error after … calls)",
        },
    ]


def test_record_is_shown_in_full_by_id_prefix_or_key(shop):
    key = hold(shop, b"\xff" + b"x" * 300, partition_key="u#anna")
    (listed,) = document("list")

    for name in (key, listed["id"], listed["id"][:4]):
        shown = document("show", name)
        assert (shown["key"], shown["partition_key"], shown["data_base64"][:4]) == (key, "u#anna", "/3h4")
    text = run("show", key).stdout
    assert "x" * 300 in text
    assert "partition key u#anna" in text


def test_unknown_id_is_refused(shop):
    result = run("show", "cafe")

    assert "no object with the ID or key 'cafe' is in quarantine" in str(result.exception)


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_replay_and_drop_require_a_selection(shop, verb):
    hold(shop, event("e1"))

    assert "nothing is selected: pass IDs, --reason, --since or --all" in str(run(verb).exception)
    assert "pass either IDs, or" in str(run(verb, "abc", "--all").exception)
    assert len(keys(shop)) == 1


def test_drop_asks_for_confirmation_and_prints_reasons(shop):
    key = hold(shop, b"poison", reason="record is not valid JSON")

    refused = run("drop", "--all", input="n\n")
    assert (refused.exit_code, keys(shop)) == (1, [key])

    dropped = run("drop", "--all", input="y\n")
    assert f"{key}: record is not valid JSON" in dropped.stdout
    assert "dropped: 1 object with 1 record" in dropped.stdout
    assert keys(shop) == []

    hold(shop, b"poison", reason="again")
    assert document("drop", "--all", "--yes")["dropped"][0]["reason"] == "again"
    assert keys(shop) == []


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"requestContext": {}}', b"\xff", b'{"reason": "x", "data": "?"}']
)
def test_unknown_object_is_listed_as_unreadable(content):
    for key in ("quarantine/dt=2026-09-21/x.json", BATCH_KEY):
        held = read_dead_letter(key, content, written_ms=5)
        assert (held.kind, held.records, held.time_ms) == ("unknown", (), 5)
        assert held.reason.startswith("unreadable: ")
