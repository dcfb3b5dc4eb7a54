"""Personalize's PutItems and PutUsers calls, and partial updates."""

import orjson
import pytest

from alsolike.catalogue.actions import Action, ActionStore, StoredActions
from alsolike.catalogue.items import ITEMS, Item
from alsolike.catalogue.rows import changed, parse_changes, parse_put
from alsolike.catalogue.users import USERS, User
from alsolike.configuration.columns import fits
from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.storage import ACTIONS_KEY
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from tests.fakes.places import BUCKET

COLUMNS = {
    "title": ColumnType.TEXT,
    "brand": ColumnType.STRING,
    "price": ColumnType.NUMBER,
    "inStock": ColumnType.BOOLEAN,
    "tags": ColumnType.LIST,
    "soldSince": ColumnType.TIMESTAMP,
}


def call(*items, **changes):
    return orjson.dumps({"datasetArn": "arn:x", "items": list(items), **changes})


def refusals(*items, columns=COLUMNS):
    return [str(error) for error in parse_put(call(*items), ITEMS, columns=columns).refused]


def test_item_properties_may_be_a_string_an_object_or_missing():
    body = call(
        {"itemId": "a", "properties": '{"price": 1}'}, {"itemId": "b", "properties": {"x": []}}, {"itemId": "ü"}
    )

    found = parse_put(body, ITEMS)

    assert found.rows == (Item("a", {"price": 1}), Item("b", {"x": []}), Item("ü", {}))
    assert found.refused == ()


def test_users_have_their_own_field_names_and_limits():
    good = orjson.dumps({"datasetArn": "arn:x", "users": [{"userId": "u", "properties": {"age": 3}}]})
    columns = dict.fromkeys("0123456789abcdefghijklmnop", 1)
    wide = orjson.dumps({"datasetArn": "arn:x", "users": [{"userId": "u", "properties": columns}]})

    assert parse_put(good, USERS).rows == (User("u", {"age": 3}),)
    assert [str(error) for error in parse_put(wide, USERS).refused] == [
        "users[0].properties has 26 columns, expected at most 25"
    ]
    with pytest.raises(InvalidInput, match=r"^items is not a known field, expected datasetArn, users$"):
        parse_put(call({"itemId": "a"}), USERS)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (call(), "items has 0 elements, expected 1 to 10"),
        (call(*[{"itemId": "a"}] * 11), "items has 11 elements, expected 1 to 10"),
        (call({"itemId": "a"}, datasetArn=None), "datasetArn is missing, expected a non-empty string"),
        (
            call({"itemId": "a", "properties": {"deep": "HERE"}}).replace(b'"HERE"', b"[" * 500 + b"]" * 500),
            "body is nested more than 32 deep",
        ),
    ],
)
def test_invalid_envelope_is_refused_with_its_field(body, message):
    with pytest.raises(InvalidInput) as error:
        parse_put(body, ITEMS)

    assert str(error.value) == message


def test_call_for_another_dataset_raises_not_found():
    with pytest.raises(NotFound, match=r'^datasetArn is "arn:x", expected one that ends in /ITEMS$'):
        parse_put(call({"itemId": "a"}), ITEMS, dataset="ITEMS")

    own = "arn:aws:personalize:eu-west-1:1:dataset/their-group/ITEMS"
    assert parse_put(call({"itemId": "a"}, datasetArn=own), ITEMS, dataset="ITEMS").rows


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("b", 'items[0] is "b", expected an object'),
        ({"itemId": 5}, "items[0].itemId is 5, expected a non-empty string"),
        ({"itemId": "x" * 257}, "items[0].itemId has 257 characters, expected at most 256"),
        ({"itemId": "a", "price": 1}, "items[0].price is not a known field, expected itemId, properties"),
    ],
)
def test_invalid_item_is_refused_with_its_field(item, message):
    assert refusals(item) == [message]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ('{"": 1}', " has a column without a name"),
        ('{"creationTimestamp": -1}', ".creationTimestamp is -1, expected seconds since 1970"),
        ('{"creationTimestamp": 1e18}', ".creationTimestamp is 1e+18, expected seconds since 1970"),
        ('{"creationTimestamp": "x"}', '.creationTimestamp is "x", expected a number'),
        ({f"c{index}": 1 for index in range(101)}, " has 101 columns, expected at most 100"),
        ({"text": "x" * 32_000}, " has 32011 characters, expected at most 32000"),
        ('{"a":' + "[" * 500 + "]" * 500 + "}", " is nested more than 32 deep"),
        ({"price": "29.90"}, '.price is "29.90", expected a number'),
        ({"inStock": 1}, ".inStock is 1, expected true or false"),
        ({"tags": [1]}, ".tags is [1], expected a list of strings, or one string like a|b"),
        ({"soldSince": 10**12}, ".soldSince is 1000000000000, expected a timestamp in seconds since 1970"),
        ({"brand": 7}, ".brand is 7, expected a string"),
        ({"title": []}, ".title is [], expected a string"),
    ],
)
def test_item_with_invalid_properties_is_refused_with_its_column(properties, message):
    assert refusals({"itemId": "a", "properties": properties}) == [f"items[0].properties{message}"]


def test_invalid_items_are_refused_individually():
    valid, invalid = ({"itemId": item, "properties": {"price": price}} for item, price in (("a", 1), ("b", "1")))

    put = parse_put(call(valid, invalid, {"itemId": "c"}), ITEMS, columns=COLUMNS)

    assert [item.item_id for item in put.rows] == ["a", "c"]
    assert [str(error) for error in put.refused] == ['items[1].properties.price is "1", expected a number']


@pytest.mark.parametrize(
    ("column_type", "good", "bad"),
    [
        (ColumnType.STRING, ["", "x"], [1, True, [], {}]),
        (ColumnType.TEXT, ["", "x" * 1000], [1, True, [], {}]),
        (ColumnType.NUMBER, [0, -1.5, 10**15], ["1", True, [], float("nan")]),
        (ColumnType.BOOLEAN, [True, False], [0, 1, "true", []]),
        (ColumnType.LIST, [[], ["a"], "a|b", "a"], [["a", 1], [None], 1, {}, True]),
        (ColumnType.TIMESTAMP, [0, 1_700_000_000.5, 253_402_300_799], [-1, True, "1", 253_402_300_800]),
    ],
)
def test_each_column_type_accepts_only_its_values(column_type, good, bad):
    assert [value for value in good if not fits(value, column_type)] == []
    assert [value for value in bad if fits(value, column_type)] == []


def test_null_and_undeclared_columns_may_have_any_value():
    assert refusals({"itemId": "a", "properties": {"price": None, "colour": {"r": 1}}}) == []


def test_changes_set_and_remove_columns():
    assert parse_changes(b'{"price": 2, "colour": null}', ITEMS, columns=COLUMNS) == {"price": 2, "colour": None}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "body has no columns, expected at least one to set, or to remove with null"),
        (b"[]", "body is [], expected an object"),
        (b'{"price": "2"}', 'price is "2", expected a number'),
        (b'{"PRICE": 2}', "PRICE is unknown, expected price, the property name of the declared column"),
        (b'{"": 2}', "body has a column without a name"),
        (b'{"creationTimestamp": -2}', "creationTimestamp is -2, expected seconds since 1970"),
    ],
)
def test_invalid_changes_are_refused_with_their_field(body, message):
    with pytest.raises(InvalidInput) as error:
        parse_changes(body, ITEMS, columns=COLUMNS)

    assert str(error.value) == message


def test_change_that_exceeds_the_row_limits_is_refused():
    full = {f"c{index}": 1 for index in range(100)}

    assert changed(full, {"c0": None, "new": 1}, ITEMS) == {**{f"c{index}": 1 for index in range(1, 100)}, "new": 1}
    with pytest.raises(InvalidInput, match=r"^the changed row has 101 columns, expected at most 100$"):
        changed(full, {"new": 1}, ITEMS)
    with pytest.raises(InvalidInput, match=r"^the changed properties have 32008 characters, expected at most 32000$"):
        changed({}, {"a": "x" * 32_000}, ITEMS)


def put(s3, body):
    s3.put_object(Bucket=BUCKET, Key=ACTIONS_KEY, Body=body)
    return ActionStore(s3, BUCKET)


@pytest.mark.parametrize("entry", [None, [], "x", 1, {"value": -1}, {"repeatFrequency": "often"}])
def test_invalid_action_entry_is_reported_by_id(s3, entry):
    store = put(s3, orjson.dumps({"app": {"value": 2}, "mail": entry}))

    assert store.read() == StoredActions((Action("app", {"value": 2}),), ("mail",))
    assert store.all() == [Action("app", {"value": 2})]


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'[["app", {}]]', b"1"])
def test_object_that_is_not_a_json_object_is_unavailable(s3, body):
    store = put(s3, body)

    with pytest.raises(Unavailable, match="repair it with `alsolike models repair`"):
        store.read()


def test_write_removes_invalid_entries(s3):
    store = put(s3, b'{"app": {}, "mail": null}')

    store.put([Action("card", {})], now_ms=1)

    assert store.read() == StoredActions((Action("app", {}), Action("card", {})))
