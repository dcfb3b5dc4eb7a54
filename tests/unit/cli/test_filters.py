"""`alsolike filters check`, on a deployment in this process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alsolike.catalogue_change import Change
from alsolike.configuration import ColumnType
from alsolike.configuration_store import ConfigurationStore
from alsolike.errors import InvalidInput
from alsolike.snapshot_publisher import SnapshotPublisher
from alsolike.snapshot_store import SnapshotStore
from cli import deployment as deployments
from cli import main as command
from cli.config import file
from cli.deployment import Deployment

DOCUMENT = {
    "format": 1,
    "items": {"columns": {"price": "number", "BRAND": "string"}},
    "users": {"columns": {"age": "number", "brands": "list", "vip": "boolean"}},
    "filters": {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 2"},
}
ITEMS: dict[str, dict[str, Any] | None] = {
    "fig": {"price": 1, "brand": "own"}, "pear": {"price": 2, "brand": "own"}, "kiwi": {"price": 3}, "plum": None,
}  # fmt: skip


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command.app, ["filters", "check", *arguments], catch_exceptions=False)


@pytest.fixture(autouse=True)
def shop(deployment: Deployment, client: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment with three items, and one that was deleted."""
    bucket = deployment.names.artefact_bucket
    store = ConfigurationStore(client("s3"), bucket)
    store.apply(store.current(), DOCUMENT, text="", by="test", reason="test", now_ms=0)
    columns = {"price": ColumnType.NUMBER, "brand": ColumnType.STRING}
    changes = [Change(item_id, 1, properties) for item_id, properties in ITEMS.items()]
    SnapshotPublisher(SnapshotStore(client("s3"), bucket, tmp_path)).publish(
        changes, columns=columns, version=0, now_ms=1
    )
    monkeypatch.setattr(deployments, "resolve", lambda **_: deployment)


def test_named_filter_is_explained_and_counted() -> None:
    result = run("cheap")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "INCLUDE ItemID WHERE Items.PRICE < 2",
        "only items where Items.PRICE is less than 2",
        "1 of 3 items pass",
    ]


@pytest.mark.parametrize(
    ("expression", "sentence", "passing"),
    [
        ('EXCLUDE ItemID WHERE Items.BRAND = "own" AND (Items.PRICE > 1 OR Items.PRICE < 0)',
         'no items where Items.BRAND is "own" and (Items.PRICE is more than 1 or Items.PRICE is less than 0)', 2),
        ('INCLUDE ItemID WHERE Items.BRAND NOT IN ("own", "other")',
         'only items where not (Items.BRAND is one of "own", "other")', 1),
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*") IF CurrentUser.AGE >= $AGE',
         "no items where Interactions.EVENT_TYPE is any, for users where CurrentUser.AGE is at least the value of AGE",
         3),
        ('INCLUDE ItemID WHERE Items.ITEM_ID IN ("kiwi", "plum")',
         'only items where Items.ITEM_ID is one of "kiwi", "plum"', 1),
        ("INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE",
         "only items where Items.PRICE is less than that of the current item's PRICE", None),
        ("INCLUDE ItemID WHERE Items.PRICE < $MOST",
         "only items where Items.PRICE is less than the value of MOST", None),
    ],
)  # fmt: skip
def test_expression_is_explained_and_counted(expression: str, sentence: str, passing: int | None) -> None:
    found = json.loads(run(expression, "--json").stdout)

    assert (found["explanation"], found["passing"], found["items"]) == ([sentence], passing, 3)


def test_values_are_given_as_a_request_does() -> None:
    expression = "INCLUDE ItemID WHERE Items.PRICE <= $MOST AND Items.BRAND IN ($BRANDS)"

    result = run(expression, "--value", "MOST=2", "--value", 'BRANDS="own","other"')

    assert result.stdout.splitlines()[-1] == "2 of 3 items pass"
    with pytest.raises(InvalidInput, match="--value is 'MOST', expected PARAMETER=VALUE"):
        run(expression, "--value", "MOST")


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        ("INCLUDE ItemID WHERE Items.PRICEE < 2",
         " " * 21 + "^ Items.PRICEE is not declared, so no item has a value of it, did you mean price?"),
        ("INCLUDE ItemID WHERE Items.BRAND < 2",
         " " * 21 + "^ Items.BRAND is declared as string and compared with <, expected IN, = or !="),
        ("INCLUDE ItemID WHERE Items.PRICE LIKE 2",
         " " * 33 + "^ character 34: found LIKE, expected IN, NOT IN, =, !=, <, <=, > or >="),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(expression: str, line: str) -> None:
    result = run(expression)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == [expression, line]
    assert "items pass" not in result.stdout


def test_checking_a_configuration_warns_of_columns_that_are_not_declared() -> None:
    text = "format: 1\nitems: {columns: {price: number}}\nfilters:\n  cheap: INCLUDE ItemID WHERE Items.PRIZE < 2\n"

    (warning,) = file.check(text, name="shop.yaml").warnings

    assert (warning.line, warning.column) == (4, 10 + 21)
    assert warning.message.endswith("Items.PRIZE is not declared, so no item has a value of it, did you mean price?")
