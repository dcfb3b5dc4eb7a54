"""Upkeep and quarantine of a deployed lake.

Some tests need the state that earlier tests left.
"""

import json
import time
from typing import Any

from alsolike.configuration import recommendation_id
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.lake import served
from alsolike.privacy.pseudonyms import Pseudonyms
from tests.booted.shop import empty_quarantine, eventually, record
from tests.builders.parquet import SERVED, parquet

WISH = json.dumps({**json.loads(record("wisher", 1)), "event_type": "wish"}).encode()


def archived(shop):
    return [row["event_id"] for row in shop.lake_rows(INTERACTIONS_PREFIX)]


def held(shop, count):
    found: list[dict[str, Any]] = eventually(
        lambda: shop.alsolike("quarantine", "list"), holds=lambda listed: len(listed) == count
    )
    assert len(found) == count
    return found


def test_compaction_runs_with_its_role_and_layers(shop):
    outcome = shop.invoke("CompactLake")

    assert (outcome["complete"], outcome["unreadable"]) == (True, 0)


def test_replayed_valid_record_is_archived_and_invalid_one_quarantined(shop, tmp_path):
    empty_quarantine(shop)
    shop.cloud.client("kinesis").put_records(
        StreamName=shop.name("stream-name"),
        Records=[{"Data": data, "PartitionKey": "u#wisher"} for data in (WISH, b"poison")],
    )
    before = {each["reason"].split(" is ")[0]: each for each in held(shop, 2)}
    assert set(before) == {"event_type", "record"}
    assert "wisher-1" not in archived(shop)

    file = tmp_path / "alsolike.yaml"
    file.write_text("format: 1\nevents:\n  wish: {weight: 2}\n")
    shop.alsolike("config", "apply", file)
    counts = shop.alsolike("quarantine", "replay", "--all")

    assert (counts["objects"], counts["records"]) == (2, 2)
    assert eventually(lambda: archived(shop).count("wisher-1")) == 1
    (back,) = held(shop, 1)
    assert back["data"] == "poison"
    assert back["id"] != before["record"]["id"]
    assert back["partition_key"] == "u#wisher"


def test_dropped_records_are_deleted(shop):
    dropped = shop.alsolike("quarantine", "drop", "--reason", "not valid JSON", "--yes")

    assert dropped["objects"] == 1
    assert held(shop, 0) == []


def test_click_is_attributed_to_its_response(shop):
    s3, bucket, now_ms = shop.cloud.client("s3"), shop.name("lake-bucket"), time.time_ns() // 1_000_000
    secret = shop.cloud.client("secretsmanager").get_secret_value(SecretId=shop.name("hash-key-arn"))["SecretString"]
    made = recommendation_id.create(answered_ms=now_ms, recommender="for-you", version="m1")
    answer = {
        "recommendation_id": made, "served_ms": now_ms, "recommender": "for-you", "model_version": "m1", "arms": [],
        "shopper": Pseudonyms(secret.encode()).shopper("clicker"), "session": None, "source": "model", "degraded": [],
        "item_ids": ["item-1", "item-2"],
    }  # fmt: skip
    key = f"{served.partition_prefix(served.served_date(now_ms))}by-hand.parquet"
    s3.put_object(Bucket=bucket, Key=key, Body=parquet([answer], SERVED))
    click = {**json.loads(record("clicker", 1)), "event_type": "click", "item_id": "item-1", "recommendation_id": made}
    by_another = {**click, "event_id": "stranger-1", "user_id": "stranger"}
    for event in (click, by_another):
        event["event_time_ms"] = now_ms
    shop.cloud.client("kinesis").put_records(
        StreamName=shop.name("stream-name"),
        Records=[{"Data": json.dumps(each), "PartitionKey": each["user_id"]} for each in (click, by_another)],
    )
    eventually(lambda: {"clicker-1", "stranger-1"} <= set(archived(shop)))

    found = shop.alsolike("engagement", "--refresh", "--by", "model")

    assert found["rejected"]["other-shopper"] == 1
    (row,) = (row for row in found["rows"] if row["name"] == "m1")
    assert (row["answers"], row["items"], row["clicks"]) == (1, 2, 1)
