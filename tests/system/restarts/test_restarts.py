"""Files of the embedded cloud: the expiry of an erased user's copies, and resources after restarts."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alsolike.events.stream_records import StreamRecord
from alsolike.lake.quarantine import QuarantinedRecord
from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop, eventually, parquet_rows, personalize_client

ANN, BOB = "ann-to-be-erased@example.org", "bob-who-stays@example.org"
WITHOUT_SCHEDULES: dict[str, Any] = dict.fromkeys(
    ("attribution_schedule", "compaction_schedule", "monitoring_schedule", "training_schedule")
)
KEPT = dt.timedelta(days=31)
"""Time after which old object versions have expired."""


def spellings(user):
    """Return the user ID as text and in base64 at each alignment."""
    encoded = [base64.b64encode(b"x" * start + user.encode()) for start in range(3)]
    return [user.encode(), *(text[4:-4] for text in encoded)]


def in_files(directory):
    found: Counter[str] = Counter()
    for file in directory.iterdir():
        data = file.read_bytes()
        for user in (ANN, BOB):
            found[user] += sum(data.count(text) for text in spellings(user))
    return +found


def in_versions(shop):
    s3, found = shop.cloud.client("s3"), Counter[tuple[str, str]]()
    for bucket in (shop.name("lake-bucket"), shop.name("artefact-bucket")):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", []):
                name = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
                body = s3.get_object(**name)["Body"].read()
                if version["Key"].endswith(".parquet"):
                    body = str(parquet_rows(body)).encode()
                elif body[:2] == b"\x1f\x8b":
                    body = gzip.decompress(body)
                folder = version["Key"].partition("/")[0]
                found.update((user, folder) for user in (ANN, BOB) if any(text in body for text in spellings(user)))
    return +found


@pytest.fixture
def shop_data(tmp_path):
    return tmp_path / "data"


def test_erased_user_is_removed_from_files_with_expired_copies(tmp_path, shop_data):
    with Shop.booted(synthesized(**QUICK, **WITHOUT_SCHEDULES), tmp_path, data=shop_data) as shop:
        for user in (BOB, ANN):  # the erased user has the newest records
            profile = {"userId": user, "properties": json.dumps({"city": "Graz"})}
            answer = shop.post("/users", {"datasetArn": shop.name("users-dataset-arn"), "users": [profile]})
            assert answer.status == 200
            assert shop.send(user, "item-1", "item-2").status == 200
            assert shop.recommend(user).status == 200
        users = eventually(
            lambda: Counter(row["user_id"] for row in shop.lake_rows("interactions/")),
            holds=lambda found: found == {ANN: 2, BOB: 2},
        )
        for reason in ("bad", "still bad"):
            record = StreamRecord("events", "shard", "1", 1, json.dumps({"user_id": ANN, "event_time_ms": -1}).encode())
            shop.cloud.client("s3").put_object(
                Bucket=shop.name("lake-bucket"),
                Key="quarantine/dt=2026-11-30/1.json",
                Body=QuarantinedRecord(record, reason).to_json(),
            )
        before = in_versions(shop)

        receipt = shop.alsolike("erase", ANN, "--wait", "--yes")
        at_once = in_versions(shop)
        shop.cloud.advance(KEPT)
        after = in_versions(shop)
        stored = in_files(shop_data)
        shop.cloud.stop()
        stopped = in_files(shop_data)

    assert users == {ANN: 2, BOB: 2}
    assert before[ANN, "quarantine"] == 2
    assert {folder for user, folder in at_once if user == ANN} == {"interactions", "users"}
    assert receipt["status"] == "complete"
    (until,) = (each["by"] for each in receipt["expiring"] if each["store"] == "old object versions")
    assert dt.date.fromisoformat(until) <= (dt.datetime.now(dt.UTC) + KEPT).date()
    assert {user for user, _ in after} == {BOB}
    assert stored.keys() == stopped.keys() == {BOB}


def signed_call(variables):
    recommender = "arn:aws:personalize:us-east-1:123456789012:recommender/for-you"
    answer = personalize_client("personalize-runtime", variables).get_recommendations(
        recommenderArn=recommender, userId="ann", numResults=1
    )
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def test_key_pair_signs_calls_after_each_restart(tmp_path):
    assembly, data = synthesized(**QUICK), tmp_path / "data"
    with Shop.booted(assembly, tmp_path, data=data) as shop:
        variables: Mapping[str, str] = shop.alsolike("keys", "create", "checkout")["environment"]
        statuses = [signed_call(variables)]

    with Shop.booted(assembly, tmp_path, data=data) as shop:
        statuses.append(signed_call(variables))
        os.kill(shop.cloud.state.pid, signal.SIGKILL)

    with Shop.booted(assembly, tmp_path, data=data) as shop:
        statuses.append(signed_call(variables))
        rotated: Mapping[str, str] = shop.alsolike("keys", "rotate", "checkout")["environment"]
        statuses.append(signed_call(rotated))
    assert statuses == [200] * 4


PROGRAMS = Path(__file__).parents[3] / "local_cloud" / "tests"


def test_killed_shop_restores_every_changed_resource(tmp_path):
    command: list[str | Path] = [sys.executable, "-m", "restarts.compare", synthesized(**QUICK), tmp_path]
    environment = os.environ | {"PYTHONPATH": str(PROGRAMS)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-4_000:]
    assert json.loads(done.stdout) == {}
