"""What the model has not seen: a new item is recommended without a training, a new user gets what the user's like do.

The tests build on one another, in their order.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.canary.training_shop import synthesize
from tests.integration.loop.shop import SECONDS_PER_DAY, Answer, Shop, eventually, write_history
from tests.sentence_model import write_model

SOLD = ("sofa", "lamp", "desk")
"""In the aisles 0, 1 and 2."""


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's app, with a sentence model to which a couch is nearly a sofa."""
    directory = tmp_path_factory.mktemp("assembly")
    return synthesize(directory, sentence_model=str(write_model(directory / "model")))


def cold_items(answer: Answer) -> int:
    return int(answer.headers.get("x-alsolike-cold-items", 0))


def test_a_model_is_trained_on_what_is_there(shop: Shop, tmp_path: Path) -> None:
    history, items = tmp_path / "history.csv", tmp_path / "items.csv"
    rows = write_history(history, users=60, days=24, end=time.time() - 2 * SECONDS_PER_DAY)
    aisles = {item: item.removeprefix("item-")[0] for _, item, _ in rows}
    lines = (f"{item},aisle {aisle},{SOLD[int(aisle)]} {'abcdefghij'[int(item[-1])]}" for item, aisle in aisles.items())
    items.write_text("\n".join(["ITEM_ID,AISLE,TITLE", *sorted(lines)]) + "\n")
    users = tmp_path / "users.csv"
    users.write_text("USER_ID,CLUB\n" + "".join(f"user-{user},club {user % 3}\n" for user in range(60)))
    (tmp_path / "alsolike.yaml").write_text("format: 1\nusers:\n  columns:\n    CLUB: string\n")
    shop.alsolike("config", "apply", tmp_path / "alsolike.yaml")
    shop.alsolike("import", "interactions", history)
    shop.alsolike("import", "items", items)
    shop.alsolike("import", "users", users)

    assert shop.alsolike("train")["decision"] == "promoted"

    answer = eventually(lambda: shop.recommend("user-0"), holds=lambda a: a.headers["x-alsolike-source"] == "model")
    assert cold_items(answer) == 0


def test_a_posted_item_is_recommended_to_whom_its_like_are(shop: Shop) -> None:
    """User 0 shops in aisle 0, user 1 in aisle 1."""
    started = time.monotonic()
    rows = [{"itemId": "new", "properties": json.dumps({"aisle": "aisle 0"})}]
    assert shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": rows}).status == 200

    answer = eventually(lambda: shop.recommend("user-0", k=25), holds=lambda found: "new" in found.items)

    assert "new" in answer.items
    assert cold_items(answer) == 1
    assert time.monotonic() - started < 60
    assert "new" not in shop.recommend("user-1", k=8).items


def test_an_item_whose_title_means_the_same_is_recommended_though_no_word_of_it_is_known(shop: Shop) -> None:
    """User 0 buys sofas."""
    rows = [{"itemId": "synonym", "properties": json.dumps({"title": "Couch"})}]
    assert shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": rows}).status == 200

    answer = eventually(lambda: shop.recommend("user-0", k=25), holds=lambda found: "synonym" in found.items)

    assert "synonym" in answer.items
    assert "synonym" not in shop.recommend("user-1", k=8).items


def test_a_deleted_item_is_recommended_no_more(shop: Shop) -> None:
    assert shop.administer("DELETE", "/items/new").status == 200

    answer = eventually(lambda: shop.recommend("user-0", k=25), holds=lambda found: "new" not in found.items)

    assert "new" not in answer.items


def test_a_new_user_gets_what_is_popular_among_the_users_like(shop: Shop) -> None:
    """The members of club 1 shop in aisle 1."""
    rows = [{"userId": "newcomer", "properties": json.dumps({"club": "club 1"})}]
    assert shop.post("/users", {"datasetArn": shop.name("users-dataset-arn"), "users": rows}).status == 200

    stored = shop.recommend("newcomer", k=10)
    said = shop.post("/recommendations", {"userId": "visitor", "numResults": 10, "context": {"CLUB": "club 2"}})
    unknown = shop.recommend("stranger", k=10)

    assert {item.removeprefix("item-")[0] for item in stored.items} == {"1"}
    assert stored.headers["x-alsolike-popular-within"] == "club"
    assert {item.removeprefix("item-")[0] for item in said.items} == {"2"}
    assert (unknown.status, len(unknown.items)) == (200, 10)
    assert "x-alsolike-popular-within" not in unknown.headers
