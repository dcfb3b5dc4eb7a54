"""Erasure of a user: no store contains the id afterwards, and other users lose no data.

Some tests need the state that earlier tests left.
"""

import base64
import contextlib
import functools
import gzip
import json
import time
from collections import Counter

import pytest

from alsolike.api.path_ids import path_segment
from tests.booted.shop import (
    empty_quarantine,
    eventually,
    failed_invocations,
    kill,
    parquet_rows,
    record,
    write_history,
)

ANN, EVE = "ann.møller/1@example.org", "eve-lopez-77"
"""Users to erase. No other text of the test contains these ids."""

BOB = "bob.neighbour@example.org"
USERS, DAYS = 12, 24
SECONDS_PER_DAY = 86_400


def words(user):
    """Return the byte forms in which a store can contain an id."""
    return sorted({user.encode(), json.dumps(user)[1:-1].encode(), path_segment(user).encode()})


def contents(shop, bucket):
    for key, body in shop.objects(bucket):
        yield f"s3://{bucket}/{key}", b"\n".join([key.encode(), body, *opened(key, body)])


@functools.cache
def opened(key, body):
    if key.endswith(".parquet"):
        return [str(parquet_rows(body)).encode()]
    if body[:2] == b"\x1f\x8b":
        return [gzip.decompress(body)]
    return list(in_base64(json.loads(body))) if body[:1] == b"{" else []


def in_base64(value):
    """Yield the texts of a document, and their contents if they are base64 or JSON."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from in_base64(inner)
    elif isinstance(value, str):
        yield value.encode()
        with contextlib.suppress(ValueError):
            yield base64.b64decode(value, validate=True)
        if value[:1] == "{":
            yield from in_base64(json.loads(value))


def everything(shop):
    """Yield the contents of every store, except the stream with its expiring records."""
    yield from contents(shop, "lake-bucket")
    yield from contents(shop, "artefact-bucket")
    dynamodb = shop.cloud.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield f"table {table}", repr(item).encode() + b"".join(value.get("B", b"") for value in item.values())
    shop.cloud.flush()
    logs = shop.cloud.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            for event in page["events"]:
                yield f"log {group['logGroupName']}", event["message"].encode()
    states = shop.cloud.client("stepfunctions")
    for execution in states.list_executions(stateMachineArn=shop.name("erasure-state-machine-arn"))["executions"]:
        yield (
            "workflow",
            json.dumps(states.describe_execution(executionArn=execution["executionArn"]), default=str).encode(),
        )


def holding(shop, *users):
    counts = [Counter[str]() for _ in users]
    spellings = [words(user) for user in users]
    for place, content in everything(shop):
        for count, spelt in zip(counts, spellings, strict=True):
            count[place] += any(spelling in content for spelling in spelt)
    return [+count for count in counts]


def rows_by_user(shop):
    return Counter({row["event_id"]: row["user_id"] for row in shop.lake_rows("interactions/")}.values())


def put_records(shop, *records):
    entries = [{"Data": data, "PartitionKey": "some shop's own"} for data in records]
    shop.cloud.client("kinesis").put_records(StreamName=shop.name("stream-name"), Records=entries)


def browse(shop, session, item, *, user=None):
    event = {"eventType": "view", "itemId": item, "sentAt": time.time(), "eventId": f"{session}-{item}"}
    answer = shop.post_events([event], session=session, user=user)
    assert answer.status == 200, answer


@pytest.fixture(scope="module")
def busy(shop, tmp_path_factory):
    """Return a shop in which Ann, Eve and Bob have data in every store, and other users have interactions."""
    empty_quarantine(shop)
    earlier = sum(rows_by_user(shop).values())
    history = tmp_path_factory.mktemp("history") / "history.csv"
    end = time.time() - 2 * SECONDS_PER_DAY
    write_history(history, users=USERS, days=DAYS, end=end)
    with history.open("a") as file:
        for user in (ANN, EVE, BOB):
            file.writelines(f"{user},item-0{n},{int(end) - n},purchase\n" for n in range(8))
    shop.alsolike("import", "interactions", history)
    for user in (ANN, EVE, BOB):
        profile = {"userId": user, "properties": json.dumps({"city": "Graz"})}
        assert shop.post("/users", {"datasetArn": shop.name("users-dataset-arn"), "users": [profile]}).status == 200
        browse(shop, f"session of {len(user)}", "item-11")
        browse(shop, f"session of {len(user)}", "item-12", user=user)
        with_wrong_item = json.dumps({**json.loads(record(user, 1)), "item_id": 7}).encode()
        truncated = f'{{"user_id": "{user}", "ty'.encode()
        put_records(shop, with_wrong_item, truncated)
    total = earlier + USERS * DAYS + 3 * 10
    assert eventually(lambda: sum(rows_by_user(shop).values()), holds=lambda count: count == total) == total
    listed = eventually(lambda: shop.alsolike("quarantine", "list"), holds=lambda found: len(found) == 6)
    assert len(listed) == 6
    eventually(lambda: [place for place, _ in contents(shop, "lake-bucket") if "/users/" in place])
    assert shop.alsolike("rebuild", "dataset")
    return shop


def test_export_contains_all_data_of_the_user(busy):
    answer = busy.administer("GET", f"/users/{path_segment(ANN)}/data")

    document = answer.document
    assert answer.status == 200
    assert document["user"]["properties"] == {"city": "Graz"}
    assert len(document["interactions"]) == 10  # 8 imported events, one before the login and one at the login
    assert [each["user_id"] for each in document["interactions"][-2:]] == [None, ANN]
    assert len(document["quarantine"]) == 2
    assert [each["sessionId"] for each in document["sessions"]] == [f"session of {len(ANN)}"]
    assert len(document["profile"]["recent"]) == 10
    assert document["erasure"] is None


def test_command_exports_the_same_data_as_the_api(busy):
    from_api = busy.administer("GET", f"/users/{path_segment(ANN)}/data").document

    assert json.loads(busy.run_alsolike("user-data", ANN)) == from_api


def test_erasure_removes_all_data_of_the_user_and_no_other(busy):
    (bob_before, ann_before), rows = holding(busy, BOB, ANN), rows_by_user(busy)
    assert len(ann_before) > 6  # proves that the search below finds ids

    receipt = busy.alsolike("erase", ANN, "--wait", "--yes")

    bob_after, ann_after = holding(busy, BOB, ANN)
    assert ann_after == Counter()
    assert receipt["status"] == "complete"
    counts = {each["store"]: each["records"] for each in receipt["purged"]}
    assert {store for store, count in counts.items() if count} == {
        "profiles", "sessions", "users", "lake", "user changes", "quarantine", "datasets"
    }  # fmt: skip
    assert counts["lake"] == 10
    assert counts["quarantine"] == 2
    left = rows_by_user(busy)
    assert ANN in rows
    assert ANN not in left
    assert {user: count for user, count in left.items() if user is not None} == {
        user: count for user, count in rows.items() if user not in (None, ANN)
    }
    assert left[None] == rows[None] - 1
    assert bob_after.total() == bob_before.total()


def test_receipt_has_a_keyed_hash_and_is_found_by_the_user_id(busy):
    receipt = busy.alsolike("erasures", "status", "--user", ANN)

    assert busy.alsolike("erasures", "list") == [receipt]
    assert len(receipt["user_hash"]) == 64
    assert receipt["erasure_id"] == receipt["user_hash"][:32]
    assert [model["trained_with_user"] for model in receipt["models"]] == ["yes"]
    assert {each["store"] for each in receipt["expiring"]} >= {"old object versions", "event stream", "table backups"}


def test_erased_user_is_not_stored_and_gets_no_recommendations(busy):
    assert busy.send(ANN, "item-05").status == 200
    assert busy.post("/users", {"datasetArn": busy.name("users-dataset-arn"), "users": [{"userId": ANN}]}).status == 200
    put_records(busy, record(ANN, 5), json.dumps({**json.loads(record(ANN, 6)), "item_id": 7}).encode())
    busy.send("witness", "item-06")

    eventually(lambda: rows_by_user(busy)["witness"])

    assert holding(busy, ANN) == [Counter()]


def test_repeated_erasure_changes_no_other_data(busy):
    before = rows_by_user(busy)
    first = busy.alsolike("erasures", "status", "--user", ANN)

    again = busy.alsolike("erase", ANN, "--wait", "--yes")

    assert (again["erasure_id"], again["status"], again["runs"]) == (first["erasure_id"], "complete", first["runs"] + 1)
    assert rows_by_user(busy) == before


def test_killed_purge_is_resumed(busy):
    before, before_killing = rows_by_user(busy), failed_invocations(busy, "PurgeUser")
    erasure = busy.alsolike("erase", EVE, "--yes")["erasureId"]

    def killed():
        kill(busy, "PurgeUser")
        return failed_invocations(busy, "PurgeUser")

    assert eventually(killed, holds=lambda failures: failures > before_killing), "it was not killed while it worked"
    receipt = eventually(
        lambda: busy.alsolike("erasures", "status", erasure),
        holds=lambda found: found["status"] == "complete",
    )

    assert receipt["status"] == "complete"
    assert holding(busy, EVE) == [Counter()]
    after = rows_by_user(busy)
    assert {user: count for user, count in after.items() if user is not None} == {
        user: count for user, count in before.items() if user not in (None, EVE)
    }


def test_next_dataset_contains_no_erased_user(busy):
    assert busy.alsolike("rebuild", "dataset")

    assert holding(busy, ANN, EVE) == [Counter(), Counter()]
