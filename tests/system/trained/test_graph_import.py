"""Import of another trainer's graph into a shop with a champion."""

import datetime as dt

import numpy as np

from tests.booted.shop import SECONDS_PER_DAY, eventually
from tests.builders.scoring_graphs import scoring_graph, write_folder
from tests.system.trained.opened_shop import END

ITEMS = [f"item-{aisle}{number}" for number in range(9, -1, -1) for aisle in range(3)]


def ended(shop, execution_arn):
    run_id = execution_arn.rpartition(":")[2]

    def run():
        runs = shop.administer("GET", "/operator/trainings").document["runs"]
        return next((each for each in runs if each["id"] == run_id), {"status": "RUNNING"})

    return eventually(run, holds=lambda found: found["status"] != "RUNNING", within_s=300)


def test_imported_graph_serves_after_its_promotion(shop, tmp_path):
    """The graph recommends the aisles of the history. The gate's verdict depends on events that other tests sent."""
    before = shop.recommend("user-1").headers["x-alsolike-model-version"]
    aisles = np.eye(3, dtype=np.float32)[[int(item[-2]) for item in ITEMS]]
    trained_until = dt.datetime.fromtimestamp(END - 6 * SECONDS_PER_DAY, dt.UTC).isoformat()
    example = {"history": ["item-11"], "scores": {"item-12": 1.0, "item-02": 0.0}}
    graph = scoring_graph(len(ITEMS), vectors=aisles)
    folder = write_folder(tmp_path, graph, ITEMS, trained_until=trained_until, examples=[example])

    run = ended(shop, shop.alsolike("models", "import", folder, "--no-follow")["execution_arn"])
    repeated = shop.alsolike("models", "import", folder)
    try:
        if run["outcome"] != "promoted":
            shop.alsolike("models", "promote", run["version"], "--force", "--reason", "a test")
        answer = eventually(
            lambda: shop.recommend("user-1"),
            holds=lambda answer: answer.headers["x-alsolike-model-version"] == run["version"],
        )
        metrics = shop.alsolike("models", "show", run["version"])["manifest"]["metrics"]
    finally:
        shop.alsolike("models", "rollback")
        shop.alsolike("models", "resume")

    assert run["outcome"] in ("promoted", "waiting", "rejected"), run
    assert {each["algorithm"] for each in metrics["candidates"]} == {"imported", "popularity"}
    assert metrics["imported"]["known_items"] == len(ITEMS)
    assert (repeated["version"], repeated["execution_arn"]) == (run["version"], None)
    assert answer.headers["x-alsolike-source"] == "model"
    assert answer.document["itemList"][0]["itemId"].startswith("item-1")
    restored = eventually(
        lambda: shop.recommend("user-1").headers["x-alsolike-model-version"], holds=lambda version: version == before
    )
    assert restored == before
