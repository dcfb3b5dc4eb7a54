"""The workflow's engine `spark` on the embedded cloud: the Glue job, and what the training makes of its dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alsolike.catalogue.items import CatalogueStore, Item
from alsolike.catalogue.users import User, UserStore
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.privacy.tombstones import add_tombstone
from alsolike.training.dataset import DatasetManifest
from model_export.data.training_data import TrainingData, load
from tests.booted.assemblies import synthesized
from tests.booted.shop import eventually
from tests.booted.training_shop import TrainingShop
from tests.slow.spark.lakes import START_MS, event, write_object
from tests.slow.spark.runs import download, runs

ITEMS = [f"item-{number}" for number in range(8)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingShop]:
    assembly = synthesized(dataset_engine="spark")
    with TrainingShop.booted(assembly, tmp_path_factory.mktemp("state")) as shop:
        yield shop


def live(shop: TrainingShop, directory: Path) -> None:
    """Put a lake, a catalogue and users into the shop, one of whom is erased."""
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


def same(one: TrainingData, other: TrainingData) -> bool:
    """Say whether the training sees the same."""
    arrays = ("user", "item", "time_ms", "weight")
    return (
        all(np.array_equal(getattr(one.interactions, name), getattr(other.interactions, name)) for name in arrays)
        and (one.item_ids, one.profile_ids, one.users) == (other.item_ids, other.profile_ids, other.users)
        and (one.properties, one.event_weights) == (other.properties, other.event_weights)
    )


def test_job_builds_the_dataset_that_the_function_builds(shop: TrainingShop, tmp_path: Path) -> None:
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
        "interactions.parquet",
        "items.parquet",
        "manifest.json",
        "users.parquet",
    ]
    assert described(spark) == described(function)
    assert [run["JobRunState"] for run in runs(shop)] == ["SUCCEEDED"]


def described(directory: Path) -> dict[str, Any]:
    """Return what a manifest says of any run."""
    manifest = DatasetManifest.from_json((directory / "manifest.json").read_bytes())
    own = ("dataset_id", "created_ms")
    return {name: value for name, value in json.loads(manifest.to_json()).items() if name not in own}


def test_failed_job_says_why(shop: TrainingShop) -> None:
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
