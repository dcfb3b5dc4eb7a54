"""Import of another trainer's graph into a shop with a champion."""

import datetime as dt

import numpy as np

from tests.booted.shop import SECONDS_PER_DAY, eventually
from tests.builders.scoring_graphs import scoring_graph, write_folder
from tests.system.trained.opened_shop import END

ITEMS = [f"item-{aisle}{number}" for number in range(9, -1, -1) for aisle in range(3)]


def test_imported_graph_serves_after_its_promotion(shop, tmp_path):
    """The graph recommends the aisles of the history. The champion learned all events, so there is no comparison."""
    before = shop.recommend("user-1").headers["x-alsolike-model-version"]
    aisles = np.eye(3, dtype=np.float32)[[int(item[-2]) for item in ITEMS]]
    trained_until = dt.datetime.fromtimestamp(END - 6 * SECONDS_PER_DAY, dt.UTC).isoformat()
    example = {"history": ["item-11"], "scores": {"item-12": 1.0, "item-02": 0.0}}
    graph = scoring_graph(len(ITEMS), vectors=aisles)
    folder = write_folder(tmp_path, graph, ITEMS, trained_until=trained_until, examples=[example])

    run = shop.alsolike("models", "import", folder, exit_code=3)
    version = run["version"]
    repeated = shop.alsolike("models", "import", folder)
    try:
        promoted = shop.alsolike("models", "promote", version, "--reason", "a test")
        answer = eventually(
            lambda: shop.recommend("user-1"),
            holds=lambda answer: answer.headers["x-alsolike-model-version"] == version,
        )
    finally:
        shop.alsolike("models", "rollback")
        shop.alsolike("models", "resume")

    assert run["decision"] == "waiting"
    assert {each["algorithm"] for each in run["candidates"]} == {"imported", "popularity"}
    assert (repeated["version"], repeated["execution_arn"]) == (version, None)
    assert promoted["version"] == version
    assert answer.headers["x-alsolike-source"] == "model"
    assert answer.document["itemList"][0]["itemId"].startswith("item-1")
    restored = eventually(
        lambda: shop.recommend("user-1").headers["x-alsolike-model-version"], holds=lambda version: version == before
    )
    assert restored == before
