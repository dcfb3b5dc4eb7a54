"""The engine `spark` on the embedded cloud: the Glue job, its dataset and its failure."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.catalogue.items import CatalogueStore, Item
from alsolike.catalogue.users import User, UserStore
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.lake import partitions
from alsolike.lake.served import partition_prefix, served_date
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.privacy.tombstones import add_tombstone
from alsolike.training.dataset import DatasetManifest
from functions.archive_served.service import to_parquet
from model_export.data.training_data import load
from tests.booted.assemblies import synthesized
from tests.booted.shop import eventually
from tests.booted.training_shop import TrainingShop
from tests.builders.served_rows import served
from tests.slow.spark.lakes import SCHEMA, START_MS, event, write_object
from tests.slow.spark.runs import download, runs

ITEMS = [f"item-{number}" for number in range(8)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    assembly = synthesized(dataset_engine="spark")
    with TrainingShop.booted(assembly, tmp_path_factory.mktemp("state")) as shop:
        yield shop


def live(shop, directory):
    rows = [
        event(
            f"e{number:03}",
            user=f"user-{number % 9}" if number % 4 else None,
            session_id=f"session-{number % 9}",
            item=ITEMS[number * 3 % 7],
            event_type="return" if number % 23 == 5 else "purchase",
            event_time_ms=START_MS + number,
        )
        for number in range(180)
    ]
    write_object(directory, "one", rows[:100])
    write_object(directory, "two", rows[80:])
    for path in directory.rglob("*.parquet"):
        key = path.relative_to(directory).as_posix()
        assert key.startswith(INTERACTIONS_PREFIX)
        shop.s3.upload_file(str(path), shop.name("lake-bucket"), key)
    dynamodb = shop.cloud.client("dynamodb")
    items = CatalogueStore(dynamodb, shop.name("catalogue-table"))
    items.put([Item(item, {"title": item.upper(), "price": 5}) for item in ITEMS], now_ms=START_MS)
    users = UserStore(dynamodb, shop.name("users-table"))
    users.put([User("user-1", {"plan": "gold"}), User("user-99", {"plan": "gold"})], now_ms=START_MS)
    function = shop.cloud.client("lambda").get_function_configuration(FunctionName=shop.name("build-dataset-function"))
    pseudonyms = pseudonyms_of(shop.cloud.client("secretsmanager"), function["Environment"]["Variables"]["SECRET_ARN"])
    add_tombstone(shop.s3, shop.bucket, pseudonyms.erased_user("user-3"), now_ms=START_MS)
    log_response(shop, shopper=pseudonyms.shopper("user-0"))


def log_response(shop, *, shopper):
    row = served(
        served_ms=START_MS, shopper=shopper, item_ids=ITEMS[:2], origins=["ranked"] * 2, propensities=[None] * 2,
        scores=[2.0, 1.0],
    )  # fmt: skip
    clicked = event("click", user="user-0", item=ITEMS[1], event_type="click", event_time_ms=START_MS + 1000)
    content = io.BytesIO()
    schema = SCHEMA.append(pa.field("properties", pa.string())).append(pa.field("recommendation_id", pa.string()))
    pq.write_table(pa.Table.from_pylist([clicked | {"recommendation_id": row.recommendation_id}], schema), content)
    for prefix, body in (
        (partition_prefix(served_date(START_MS)), to_parquet([row])),
        (partitions.partition_prefix("2026-09-20"), content.getvalue()),
    ):
        shop.s3.put_object(Bucket=shop.name("lake-bucket"), Key=f"{prefix}clicks.parquet", Body=body)


def same(one, other):
    arrays = ("user", "item", "time_ms", "weight")
    return (
        all(np.array_equal(getattr(one.interactions, name), getattr(other.interactions, name)) for name in arrays)
        and (one.item_ids, one.profile_ids, one.users) == (other.item_ids, other.profile_ids, other.users)
        and (one.properties, one.event_weights) == (other.properties, other.event_weights)
    )


def test_job_builds_the_same_dataset_as_the_function(shop, tmp_path):
    live(shop, tmp_path / "lake")

    execution = shop.start()
    states = eventually(
        lambda: shop.states(execution), holds=lambda found: "Train" in found or "Failed" in found, within_s=300
    )
    assert states[:5] == ["StartTraining", "First", "BuildDatasetOnSpark", "DatasetOfSpark", "Train"], runs(shop)
    shop.stepfunctions.stop_execution(executionArn=execution)
    on_spark = f"s3://{shop.bucket}/datasets/{shop.run_id(execution)}/"
    answer = shop.cloud.client("lambda").invoke(
        FunctionName=shop.name("build-dataset-function"),
        Payload=json.dumps({"run_id": "in-process", "started_ms": START_MS}),
    )
    in_process = json.loads(answer["Payload"].read())["dataset_s3_uri"]

    spark, function = download(shop, on_spark, tmp_path / "spark"), download(shop, in_process, tmp_path / "function")
    assert same(load(spark), load(function))
    assert not any("user-3" in str(profile) for profile in load(spark).profile_ids)
    assert [path.name for path in sorted(spark.iterdir())] == [
        "impressions.parquet",
        "interactions.parquet",
        "items.parquet",
        "manifest.json",
        "users.parquet",
    ]
    assert described(spark) == described(function)
    (shown,) = pq.read_table(spark / "impressions.parquet").to_pylist()
    assert (shown["profile_id"], shown["outcome_item_ids"]) == ("u#user-0", [ITEMS[1]])
    assert [shown] == pq.read_table(function / "impressions.parquet").to_pylist()
    assert [run["JobRunState"] for run in runs(shop)] == ["SUCCEEDED"]


def described(directory):
    manifest = DatasetManifest.from_json((directory / "manifest.json").read_bytes())
    own = ("dataset_id", "created_ms")
    return {name: value for name, value in json.loads(manifest.to_json()).items() if name not in own}


def test_failed_job_has_its_reason(shop):
    glue = shop.cloud.client("glue")
    arguments = {"--run_id": "empty", "--started_ms": "1", "--dataset_s3_uri": f"s3://{shop.bucket}/datasets/empty/"}
    nowhere = {"--lake_s3_uri": f"s3://{shop.bucket}/interactions/"}

    run_id = glue.start_job_run(JobName="alsolike-demo-build-dataset", Arguments=arguments | nowhere)["JobRunId"]
    run = eventually(
        lambda: glue.get_job_run(JobName="alsolike-demo-build-dataset", RunId=run_id)["JobRun"],
        holds=lambda found: found["JobRunState"] not in ("STARTING", "RUNNING"),
        within_s=120,
    )

    assert run["JobRunState"] == "FAILED"
    assert "holds no interactions to train on" in run["ErrorMessage"]
    assert not shop.keys("datasets/empty/")
