"""The commands of runbooks, played on a booted cloud with the fault planted."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.booted.assemblies import synthesized
from tests.booted.shop import SECONDS_PER_DAY, Shop, eventually, write_history

pytestmark = pytest.mark.ci

_WITHOUT_RESULTS = (["keys", "disable"], ["keys", "delete"])
RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop.booted(synthesized(), tmp_path_factory.mktemp("runbooks")) as shop:
        yield shop


def play(shop: Shop, page: str, heading: str = "", **values: str) -> list[Any]:
    """Run the commands of a section, with the values of its placeholders, and return their results."""
    text = (RUNBOOKS / page).read_text()
    if heading:
        text = text[text.index(f"## {heading}") :]
    block = re.search(r"```console\n(.*?)```", text, re.S)
    assert block is not None
    results = []
    for line in block[1].splitlines():
        command = line.removeprefix("$ alsolike ").partition("  #")[0]
        for name, value in values.items():
            command = command.replace(name, value)
        arguments = shlex.split(command)
        run = shop.run_alsolike if arguments[:2] in _WITHOUT_RESULTS else shop.alsolike
        results.append(run(*arguments))
    return results


def test_wrong_import_is_taken_back(shop: Shop, tmp_path: Path) -> None:
    good, wrong = tmp_path / "good.csv", tmp_path / "wrong.csv"
    write_history(good, users=30, days=24, end=time.time() - 4 * SECONDS_PER_DAY)
    wrong.write_text(f"USER_ID,ITEM_ID,TIMESTAMP\nuser-0,not-ours,{int(time.time())}\n")
    shop.alsolike("import", "interactions", good)
    shop.alsolike("import", "interactions", wrong)
    (latest, _) = shop.alsolike("import", "list")

    _, undone, trained = play(shop, "lost-data.md", "A wrong import", ID=str(latest["import_id"]))

    assert (undone["rows"], undone["profiles"]) == (1, 1)
    assert trained["version"]
    assert "not-ours" not in [row["item_id"] for row in shop.lake_rows("interactions/")]


def test_leaked_key_is_replaced(shop: Shop) -> None:
    leaked = key_id(shop.alsolike("keys", "create", "checkout"))

    listed, rotated, _ = play(shop, "leaked-key.md", "Replace the key", CLIENT="checkout", KEY_ID=leaked)

    assert leaked in [key["key_id"] for key in listed]
    statuses = {key["key_id"]: key["status"] for key in shop.alsolike("keys", "list")}
    assert (statuses[leaked], statuses[key_id(rotated)]) == ("disabled", "active")
    play(shop, "leaked-key.md", "Look for damage", KEY_ID=leaked)


def key_id(created: dict[str, Any]) -> str:
    return str(created["environment"]["AWS_ACCESS_KEY_ID"])


def test_filter_that_passes_nothing_is_found_and_taken_back(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(
        "format: 1\nitems: {columns: {brand: string}}\n"
        'filters: {sold-out: INCLUDE ItemID WHERE Items.BRAND IN ("none")}\n'
        "recommenders: {for-you: {filter: sold-out}}\n"
    )
    shop.alsolike("config", "apply", file, "--force", "--reason", "a mistake")
    eventually(lambda: shop.recommend("user-1"), holds=lambda answer: answer.items == [])

    report = eventually(lambda: shop.alsolike("status"), holds=lambda report: report["incomplete_responses"])

    assert report["incomplete_responses"][0]["filter"] == "sold-out"
    shop.alsolike("config", "rollback", "--to", "0", "--reason", "sold-out passes nothing")
    eventually(lambda: shop.recommend("user-1"), holds=lambda answer: len(answer.items) > 0)
