"""`alsolike filters check`, on a deployment in this process, and the suggested filter for items in stock."""

import dataclasses
import json
from functools import partial
from typing import Any

import pytest

from alsolike.catalogue.changes import Change
from alsolike.catalogue.users import User, UserStore
from alsolike.configuration.columns import column_name
from alsolike.configuration.configuration import DEFAULT, ColumnType
from alsolike.filters import parser
from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from operations.client.api import Api
from operations.client.signed_api import Recommendations, RecommendedItem
from operations.filters.stock import stock_filter
from tests.builders.world import configure
from tests.unit.cli.command_line import run, run_json

DOCUMENT = {
    "format": 1,
    "items": {"columns": {"price": "number", "BRAND": "string", "launched": "timestamp"}},
    "users": {"columns": {"age": "number", "brands": "list", "vip": "boolean"}},
    "filters": {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 2"},
}
ITEMS: dict[str, dict[str, Any] | None] = {
    "fig": {"price": 1, "brand": "own", "launched": 1_000_000}, "pear": {"price": 2, "brand": "own"},
    "kiwi": {"price": 3}, "plum": None,
}  # fmt: skip

check = partial(run, "filters", "check")
check_as_json = partial(run_json, "filters", "check")


@pytest.fixture(autouse=True)
def shop(deployment, client, tmp_path, select):
    """Create a deployment with three items and a deleted item."""
    bucket = deployment.names.artefact_bucket
    configure(client("s3"), bucket, **DOCUMENT)
    columns = {"price": ColumnType.NUMBER, "brand": ColumnType.STRING, "launched": ColumnType.TIMESTAMP}
    changes = [Change(item_id, 1, properties) for item_id, properties in ITEMS.items()]
    publisher = SnapshotPublisher(SnapshotStore(client("s3"), bucket, tmp_path))
    publisher.publish(changes, columns=columns, version=0, now_ms=1)
    select(deployment)


def test_named_filter_is_explained_and_counted():
    result = check("cheap", exit_code=0)

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
        ("INCLUDE ItemID WHERE Items.LAUNCHED > NOW - 7 DAYS",
         "only items where Items.LAUNCHED is later than 7 days ago", 0),
        ("INCLUDE ItemID WHERE Items.LAUNCHED <= NOW",
         "only items where Items.LAUNCHED is at the latest now", 1),
        ("EXCLUDE ItemID WHERE Items.LAUNCHED >= NOW + 1 WEEK OR Items.LAUNCHED < NOW - 1.5 HOURS",
         "no items where Items.LAUNCHED is at the earliest 1 week from now "
         "or Items.LAUNCHED is earlier than 1.5 hours ago", 2),
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase") AND Interactions.TIMESTAMP > NOW - $N DAYS',
         'no items where Interactions.EVENT_TYPE is "purchase" '
         "and Interactions.TIMESTAMP is later than the value of N days ago", 3),
        ("EXCLUDE ItemID WHERE Items.PRICE > 2 AND NOT CurrentUser.AGE >= 18",
         "no items where Items.PRICE is more than 2 and not (CurrentUser.AGE is at least 18)", 2),
        ("INCLUDE ItemID WHERE Items.BRAND IN CurrentUser.BRANDS",
         "only items where Items.BRAND is among the current user's BRANDS", 0),
        ("INCLUDE ItemID WHERE Items.PRICE <= CurrentUser.AGE",
         "only items where Items.PRICE is at most that of the current user's AGE", 0),
        ("INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE",
         "only items where Items.PRICE is less than that of the current item's PRICE", None),
        ("INCLUDE ItemID WHERE Items.PRICE < $MOST",
         "only items where Items.PRICE is less than the value of MOST", None),
    ],
)  # fmt: skip
def test_expression_is_explained_and_counted(expression, sentence, passing):
    document = check_as_json(expression)

    assert (document["explanation"], document["passing"], document["items"]) == ([sentence], passing, 3)


def test_parameter_values_have_the_format_of_a_request():
    expression = "INCLUDE ItemID WHERE Items.PRICE <= $MOST AND Items.BRAND IN ($BRANDS)"

    result = check(expression, "--value", "MOST=2", "--value", 'BRANDS="own","other"')

    assert result.stdout.splitlines()[-1] == "2 of 3 items pass"


def test_inputs_needed_for_the_count_are_listed_and_unknown_ones_refused():
    expression = (
        "INCLUDE ItemID WHERE Items.PRICE <= $MOST AND Items.BRAND IN ($BRANDS) AND Items.PRICE < CurrentItem.PRICE"
    )

    incomplete = check(expression, "--value", "MOST=2", exit_code=0)

    assert incomplete.stdout.splitlines()[-1] == "not counted: it needs --value BRANDS=... and the item of a request"
    with pytest.raises(
        InvalidInput, match=r"filterValues\.MOSTT is not a parameter of filter .*, expected MOST, BRANDS"
    ):
        check(expression, "--value", "MOSTT=2")


def test_user_and_time_of_the_request_can_be_given():
    brands = "INCLUDE ItemID WHERE Items.BRAND IN CurrentUser.BRANDS"
    adults = "EXCLUDE ItemID WHERE Items.PRICE > 1 AND NOT (CurrentUser.AGE >= 18 AND CurrentUser.VIP = true)"
    new = "INCLUDE ItemID WHERE Items.LAUNCHED > NOW - 1 DAY"

    seen = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*") IF CurrentUser.AGE > 1'

    def count(*arguments):
        return check(*arguments).stdout.splitlines()[-1]

    assert count(brands) == "0 of 3 items pass for a user without properties"
    assert count(brands, "--user", "BRANDS=other|own") == "2 of 3 items pass"
    assert count(adults, "--user", "age=17", "--user", "vip=true") == "1 of 3 items pass"
    assert count(adults, "--user", "age=18", "--user", "vip=true") == "3 of 3 items pass"
    assert count(new) == "0 of 3 items pass"
    # The first time is 1,000,001 s after 1970.
    assert count(new, "--at", "1970-01-12T13:46:41Z") == "1 of 3 items pass"
    assert count(new, "--at", "1970-01-13T13:46:40Z") == "0 of 3 items pass"
    assert count(seen) == "3 of 3 items pass for a user without properties and interactions"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "AGE"], "--user is 'AGE', expected COLUMN=VALUE"),
        (["--user", "AGEE=3"], "--user names AGEE, expected age, brands, vip"),
        (["--user", "AGE=old"], '--user age is "old", expected a number'),
        (["--user", "vip=perhaps"], '--user vip is "perhaps", expected true or false'),
        (["--user", "AGE=3", "--user", "AGE=4"], "--user repeats AGE, expected one option"),
        (["--at", "yesterday"], "--at is 'yesterday', expected an ISO 8601 time with its zone"),
    ],
)
def test_invalid_option_value_is_refused(arguments, message):
    with pytest.raises(InvalidInput) as caught:
        check("cheap", *arguments)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        ("INCLUDE ItemID WHERE Items.PRICE < 1\r\nOR Items.PRICEE < 2",
         " " * 41 + "^ Items.PRICEE is not declared, so no item has a value in it, did you mean price?"),
        ('INCLUDE ItemID WHERE Items.BRAND = "梨🍐" LIKE',  # Both characters are two columns wide.
         " " * 42 + "^ character 41: found LIKE, expected AND, OR, IF, | or the end"),
        ('INCLUDE ItemID WHERE Items.BRAND = "cafe\u0301" LIKE',  # The combining accent has no width.
         " " * 42 + "^ character 44: found LIKE, expected AND, OR, IF, | or the end"),
        ('INCLUDE ItemID WHERE Items.BRAND = "\x1b" LIKE',  # The command prints a control character as four characters.
         " " * 42 + "^ character 40: found LIKE, expected AND, OR, IF, | or the end"),
    ],
)  # fmt: skip
def test_syntax_error_is_marked_in_the_expression(expression, line):
    result = check(expression, exit_code=1)

    assert result.stdout.splitlines()[:2] == [expression.replace("\r\n", "  ").replace("\x1b", r"\x1b"), line]
    assert "items pass" not in result.stdout


def test_unknown_event_type_is_a_problem():
    result = check('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchse")', exit_code=1)

    assert "eventType is 'purchse', expected one of view" in result.stdout
    assert "did you mean purchase?" in result.stdout


def test_value_without_items_has_a_hint():
    result = check('INCLUDE ItemID WHERE Items.BRAND = "Own"', exit_code=0)

    assert 'hint: no item has "Own" in Items.BRAND, did you mean "own"?' in result.stdout
    assert check_as_json('INCLUDE ItemID WHERE Items.BRAND IN ("own")')["hints"] == []


def test_filters_are_listed():
    assert run_json("filters", "list") == DOCUMENT["filters"]
    assert "cheap" in run("filters", "list").stdout


@pytest.fixture
def stored_as_text(deployment, client, tmp_path):
    """Publish a catalogue in which the boolean column `inStock` contains strings."""
    bucket = deployment.names.artefact_bucket
    changed = {
        "items": {"columns": {"inStock": "boolean"}},
        "filters": {"stock": "INCLUDE ItemID WHERE Items.IN_STOCK = true"},
    }
    configure(client("s3"), bucket, **{**DOCUMENT, **changed})
    changes = [Change(item_id, 2, {"inStock": "yes"}) for item_id in ("fig", "pear")]
    publisher = SnapshotPublisher(SnapshotStore(client("s3"), bucket, tmp_path))
    publisher.publish(changes, columns={"inStock": ColumnType.BOOLEAN}, version=1, now_ms=2)
    return deployment


def test_stored_values_of_another_type_are_counted(stored_as_text):
    result, document = check("stock"), check("stock", "--json")

    assert result.exit_code == 1
    assert "2 items store inStock as text, declared as boolean; import the items again" in result.stdout
    assert len(json.loads(document.stdout)["contradictions"]) == 1


def answer(monkeypatch, *items, unknown_columns=()):
    response = Recommendations(
        items, "id", source="model", filled=0, cold=0, model_version="v1", degraded=None, duration_ms=1,
        unknown_columns=unknown_columns,
    )  # fmt: skip
    monkeypatch.setattr(Api, "recommendations", lambda *_, **__: response)


def test_recommend_reports_why_no_item_passes_a_filter(stored_as_text, monkeypatch):
    answer(monkeypatch)

    result = run("recommend", "--user", "7", "--filter", "stock")

    assert "2 items store inStock as text, declared as boolean; import the items again" in result.stderr


def test_recommend_refuses_metadata_columns_of_no_item(monkeypatch):
    answer(monkeypatch, RecommendedItem("kiwi", 0.5, {"PRICE": "3"}), unknown_columns=("NOPE", "BRAND"))

    with pytest.raises(InvalidInput, match=r"names NOPE, expected columns of the catalogue: brand, launched, price$"):
        run("recommend", "--user", "7", "--metadata", "PRICE,NOPE,BRAND")


def test_recommend_accepts_a_metadata_column_of_other_items(monkeypatch):
    answer(monkeypatch, RecommendedItem("kiwi", 0.5, {}), unknown_columns=("BRAND",))

    result = run("recommend", "--user", "7", "--metadata", "BRAND", exit_code=0)

    assert "kiwi" in result.stdout


def test_apply_counts_stored_values_of_another_type(stored_as_text, tmp_path):
    users = UserStore(stored_as_text.client("dynamodb"), stored_as_text.names.users_table)
    users.put([User("ann", {"age": "forty"}), User("bob", {"age": 40})], now_ms=1)
    path = tmp_path / "shop.yaml"
    path.write_text(
        "format: 1\nitems: {columns: {inStock: number}}\nusers: {columns: {age: timestamp, vip: boolean}}\n"
    )

    result, again = run("config", "apply", path), run("config", "apply", path)

    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "warning: 2 items store inStock as text, declared as number; import the items again",
        "warning: 1 user stores age as text, declared as timestamp; import the users again",
    ]
    assert again.stderr == ""


def test_filter_of_a_file_is_counted_with_the_columns_of_the_file(tmp_path, deployment):
    changes = [Change("fig", 2, {"price": 1, "onSale": True})]
    store = SnapshotStore(deployment.client("s3"), deployment.names.artefact_bucket, tmp_path / "again")
    SnapshotPublisher(store).publish(changes, columns={"price": ColumnType.NUMBER}, version=0, now_ms=2)
    draft = tmp_path / "shop.yaml"
    draft.write_text(
        "format: 1\nitems: {columns: {ON_SALE: boolean}}\nfilters: {sale: INCLUDE ItemID WHERE Items.ON_SALE = true}\n"
    )

    result = check("sale", "--file", draft, exit_code=0)

    assert result.stdout.splitlines()[-1] == "1 of 3 items pass"


@pytest.mark.parametrize(
    ("column", "type_", "condition"),
    [
        ("IN_STOCK", "boolean", "INCLUDE ItemID WHERE Items.IN_STOCK = true"),
        ("INSTOCK", "boolean", "INCLUDE ItemID WHERE Items.INSTOCK = true"),
        ("AVAILABLE", "boolean", "INCLUDE ItemID WHERE Items.AVAILABLE = true"),
        ("IS_AVAILABLE", "boolean", "INCLUDE ItemID WHERE Items.IS_AVAILABLE = true"),
        ("SOLD_OUT", "boolean", "EXCLUDE ItemID WHERE Items.SOLD_OUT = true"),
        ("OUT_OF_STOCK", "boolean", "EXCLUDE ItemID WHERE Items.OUT_OF_STOCK = true"),
        ("STOCK", "number", "INCLUDE ItemID WHERE Items.STOCK > 0"),
        ("STOCK_QUANTITY", "number", "INCLUDE ItemID WHERE Items.STOCK_QUANTITY > 0"),
        ("INVENTORY", "number", "INCLUDE ItemID WHERE Items.INVENTORY > 0"),
        ("IN_STOCK", "string", None),
        ("PRICE", "number", None),
        ("LIVESTOCK", "boolean", None),
        ("STOCKING_STUFFER", "boolean", None),
    ],
)
def test_stock_column_is_recognised_by_name_and_type(column, type_, condition):
    columns = {"price": ColumnType.NUMBER, column_name(column): ColumnType(type_)}
    configuration = dataclasses.replace(DEFAULT, item_columns=columns)

    assert stock_filter(configuration) == condition
    if condition:
        (read,) = parser.parse(condition).columns
        assert read.key in columns
        assert stock_filter(dataclasses.replace(configuration, filters={"mine": condition})) is None
