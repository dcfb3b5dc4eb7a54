"""The complete product on the embedded cloud with small generated data: events, training, recommendations."""

import functools
import io
import time
from collections import Counter
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from alsolike.bundle.bundle import Bundle, history_weights
from alsolike.bundle.files import GRAPH_FILE
from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.lake.duplicates import deduplicate
from alsolike.profiles.profile_table import ProfileStore
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.registry.champion_pointer_store import Registry
from operations.metric_writers import declared
from tests.booted.shop import eventually, failed_invocations, kill, record
from tests.system.trained.opened_shop import DAYS, USERS


def profile_items(shop, profile_id):
    store = ProfileStore(shop.cloud.client("dynamodb"), shop.name("profiles-table"))
    return [interaction.item_id for interaction in store.read(profile_id, consistent=True).recent]


@functools.cache
def interactions(body):
    return pd.read_parquet(io.BytesIO(body), columns=list(INTERACTIONS_COLUMNS))


def lake_rows(shop):
    parts = [interactions(body) for body in shop.lake_objects(INTERACTIONS_PREFIX)]
    return deduplicate(pd.concat(parts)) if parts else pd.DataFrame(columns=list(INTERACTIONS_COLUMNS))


def lake_counts(shop):
    return Counter(lake_rows(shop)["user_id"])


def lake_items(shop, user):
    rows = lake_rows(shop)
    return list(rows.loc[rows["user_id"] == user, "item_id"])


def champion(shop):
    found = Registry(shop.cloud.client("s3"), shop.name("artefact-bucket")).champion()
    return found.version if found else None


def test_response_without_a_model_is_empty_and_degraded(shop):
    answer = shop.opening.before

    assert (answer.status, answer.items) == (200, [])
    assert answer.headers["x-alsolike-degraded"] == "no-model"


def test_import_stores_valid_rows_and_lists_invalid_ones_by_line(shop):
    imported = shop.opening.imported

    assert (imported["imported"], imported["rejected"]) == (USERS * DAYS, 2)
    assert [line.split(",")[0] for line in shop.opening.rejected[1:]] == [str(USERS * DAYS + 2), str(USERS * DAYS + 3)]
    bought = [item for user, item, _ in shop.opening.rows if user == "user-59"]
    assert profile_items(shop, "u#user-59") == bought


def test_training_promotes_a_champion_that_the_api_serves_like_its_bundle(shop, tmp_path):
    trained = shop.opening.training.ended

    assert champion(shop) == trained["version"]
    answer = shop.recommend("user-0")
    assert (answer.headers["x-alsolike-source"], answer.headers["x-alsolike-model-version"]) == (
        "model",
        trained["version"],
    )
    assert ranked(answer) == reference_ranking(shop, "u#user-0", tmp_path)


def test_live_events_change_the_ranking_like_the_reference(shop, tmp_path):
    """A user of aisle 0 buys two items of aisle 2, so the next item of aisle 2 must rise."""
    before = shop.recommend("user-0", k=30)

    assert shop.send("user-0", "item-23", "item-24").status == 200
    eventually(lambda: profile_items(shop, "u#user-0")[-1], holds=lambda item: item == "item-24")
    after = shop.recommend("user-0", k=30)

    assert ranked(after) == reference_ranking(shop, "u#user-0", tmp_path, k=30)
    assert after.items.index("item-25") < before.items.index("item-25")


def test_event_sent_twice_counts_once(shop):
    at = time.time()

    first, again = (shop.send("repeater", "item-11", at=at) for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    shop.send("repeater", "item-12", at=at + 1)

    assert eventually(lambda: profile_items(shop, "u#repeater"), holds=lambda items: "item-12" in items) == [
        "item-11",
        "item-12",
    ]
    assert eventually(lambda: "item-12" in lake_items(shop, "repeater"))  # a user's events arrive in order
    assert sorted(lake_items(shop, "repeater")) == ["item-11", "item-12"]
    rows = lake_rows(shop)
    (found,) = rows.loc[(rows["user_id"] == "repeater") & (rows["item_id"] == "item-11"), "correlation_id"]
    assert first.headers["x-correlation-id"] == found != again.headers["x-correlation-id"]


def test_monitoring_compares_live_data_with_the_champion(shop):
    for aisle in range(3):
        assert shop.send(f"newcomer-{aisle}", *(f"item-{aisle}{step}" for step in range(10))).status == 200
    eventually(lambda: lake_counts(shop), holds=lambda counts: all(counts[f"newcomer-{n}"] == 10 for n in range(3)))

    report = shop.alsolike("drift", "--refresh")

    figures = {figure["name"]: figure for figure in report["figures"]}
    popularity = figures["item_popularity"]
    assert (report["champion"], report["started"]) == (champion(shop), None)
    # The reference has the purchases of the last seven days before the training. The current data also have later
    # purchases.
    assert (popularity["reference"], popularity["reason"]) == (7 * USERS, None)
    assert popularity["current"] >= 200
    assert 0 <= popularity["value"] < report["rules"]["psi"]
    assert figures["user_activity"]["reason"].startswith(f"{USERS} before and ")
    assert figures["top_score"]["reference"] == USERS
    assert (report["unknown_item_share"], report["lake_silent_h"] < 1) == (0, True)
    assert shop.alsolike("status")["drift"].startswith("drift: largest PSI ")


def test_invalid_event_is_refused_and_other_events_are_stored(shop):
    good = {"eventType": "purchase", "itemId": "item-01", "sentAt": time.time()}

    answer = shop.post_events([{**good, "sentAt": -5}, good], session="s", user="half")

    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "InvalidInputException")
    assert eventually(lambda: profile_items(shop, "u#half")) == ["item-01"]


@pytest.mark.parametrize("consumer", ["ArchiveEvents", "UpdateProfiles"])
def test_killed_consumer_loses_and_duplicates_no_record(shop, consumer):
    kinesis, stream = shop.cloud.client("kinesis"), shop.name("stream-name")
    users = [f"killed-{consumer}-{number}" for number in range(50)]
    sent = 0

    def send():
        numbers = range(sent, sent + 100)
        records = [(users[n % 50], record(users[n % 50], n)) for n in numbers]
        entries = [{"Data": data, "PartitionKey": f"u#{user}"} for user, data in records]
        assert kinesis.put_records(StreamName=stream, Records=entries)["FailedRecordCount"] == 0
        return sent + len(entries)

    def failed_after_kill():  # A kill has no effect if the consumer does not work at this moment.
        nonlocal sent
        sent = send()
        kill(shop, consumer)
        return failed_invocations(shop, consumer)

    failed_before = failed_invocations(shop, consumer)
    failed = eventually(failed_after_kill, holds=lambda failed: failed > failed_before)
    sent = send()

    assert failed > failed_before, "no environment was killed while it worked"
    expected = dict.fromkeys(users, sent // 50)
    assert (
        eventually(
            lambda: {user: count for user, count in lake_counts(shop).items() if user in expected},
            holds=lambda counts: sum(counts.values()) >= sent,
        )
        == expected
    )
    kept = dict.fromkeys(users, min(sent // 50, HISTORY_LENGTH))
    assert (
        eventually(
            lambda: {user: len(profile_items(shop, f"u#{user}")) for user in users}, holds=lambda counts: counts == kept
        )
        == kept
    )


def test_failed_training_keeps_the_champion(shop):
    before = champion(shop)
    states, machine = shop.cloud.client("stepfunctions"), shop.name("state-machine-arn")
    sagemaker = shop.cloud.client("sagemaker")

    known = {job["TrainingJobName"] for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]}
    execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]

    def running():
        jobs = sagemaker.list_training_jobs()["TrainingJobSummaries"]
        return [job["TrainingJobName"] for job in jobs if job["TrainingJobName"] not in known]

    (job,) = eventually(running)
    sagemaker.stop_training_job(TrainingJobName=job)
    ended = eventually(
        lambda: states.describe_execution(executionArn=execution), holds=lambda found: found["status"] != "RUNNING"
    )

    assert (ended["status"], ended["error"]) == ("FAILED", "TrainingFailed")
    assert job in ended["cause"]
    assert champion(shop) == before
    assert shop.recommend("user-1").headers["x-alsolike-model-version"] == before

    def alarms():
        return {name for name, state in shop.cloud.alarms().items() if state == "ALARM"}

    on = eventually(alarms, holds=lambda on: any("TrainingFails" in name for name in on))
    assert len([name for name in on if "TrainingFails" in name]) == 1
    assert len([name for name in on if "RecommendationsStale" in name]) == 1


def test_every_written_metric_is_declared_with_its_dimensions(shop):
    pages = shop.cloud.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace="Alsolike/demo")
    written = [each for page in pages for each in page["Metrics"]]

    assert {"EventsAccepted", "RecommendationsServed", "OfflineNdcg", "GateConditionFailed", "DriftPsi"} <= {
        each["MetricName"] for each in written
    }
    for each in written:
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in each["Dimensions"]}
        services = {one.service for one in declared(each["MetricName"], dimensions)}
        assert dimensions["service"] in services, f"{each['MetricName']} by {dimensions}"


def ranked(answer):
    """Return the items that the model ranked, without the popular items that fill a response up."""
    return answer.items[: len(answer.items) - int(answer.headers.get("x-alsolike-filled", 0))]


def reference_ranking(shop, profile_id, directory, *, k=10):
    """Rank with the champion's bundle in this process, from the stored profile."""
    s3, bucket, version = shop.cloud.client("s3"), shop.name("artefact-bucket"), champion(shop)
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"models/{version}/")["Contents"]:
        s3.download_file(bucket, entry["Key"], str(directory / entry["Key"].rsplit("/", 1)[1]))
    bundle = Bundle(directory)
    store = ProfileStore(shop.cloud.client("dynamodb"), shop.name("profiles-table"))
    recent = store.read(profile_id, consistent=True).recent
    history = bundle.positions([interaction.item_id for interaction in recent])
    parameters = bundle.manifest.history
    weights = history_weights(
        parameters,
        np.array([parameters.event_weights[interaction.event_type] for interaction in recent]),
        np.array([time.time() * 1000 - interaction.event_time_ms for interaction in recent]),
    )
    exclude = history if bundle.manifest.exclude_seen else np.zeros(1, np.int64)
    feed: dict[str, Any] = {
        "history": history[None, :],
        "weights": weights[None, :],
        "exclude": exclude[None, :],
        "k": np.array([k], np.int64),
    }
    items, _ = onnxruntime.InferenceSession(str(directory / GRAPH_FILE)).run(["items", "scores"], feed)
    return [bundle.item_id(p) for p in items[0].tolist() if p]
