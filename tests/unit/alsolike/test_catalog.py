"""Personalize's PutItems call, and the catalogue table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from alsolike.catalog import CatalogueStore, Item, column_name, parse_put_items
from alsolike.errors import InvalidInput, Unavailable


def call(*items: Any, **changes: Any) -> bytes:
    return orjson.dumps({"datasetArn": "arn:x", "items": list(items), **changes})


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("CATEGORY_L1", "categoryL1"),
        ("PRICE", "price"),
        ("CREATION_TIMESTAMP", "creationTimestamp"),
        ("title", "title"),
    ],
)
def test_a_column_of_a_file_has_one_property_name(column: str, name: str) -> None:
    assert column_name(column) == name


def test_items_come_with_properties_as_text_object_or_none() -> None:
    body = call(
        {"itemId": "a", "properties": '{"price": 1}'}, {"itemId": "b", "properties": {"x": []}}, {"itemId": "ü"}
    )

    assert parse_put_items(body) == [Item("a", {"price": 1}), Item("b", {"x": []}), Item("ü", {})]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (call(), "items has 0 elements, expected 1 to 10"),
        (call(*[{"itemId": "a"}] * 11), "items has 11 elements, expected 1 to 10"),
        (call({"itemId": "a"}, datasetArn=None), "datasetArn is missing, expected a non-empty string"),
        (call({"itemId": "a"}, "b"), 'items[1] is "b", expected an object'),
        (call({"itemId": 5}), "items[0].itemId is 5, expected a non-empty string"),
        (call({"itemId": "a", "properties": '{"": 1}'}), "items[0].properties has a column without a name"),
        (
            call({"itemId": "a", "properties": '{"creationTimestamp": -1}'}),
            "items[0].properties.creationTimestamp is -1, expected seconds since 1970",
        ),
        (
            call({"itemId": "a", "properties": '{"creationTimestamp": "x"}'}),
            'items[0].properties.creationTimestamp is "x", expected a number',
        ),
        (call({"itemId": "a", "price": 1}), "items[0].price is not a known field, expected itemId, properties"),
        (
            call({"itemId": "a", "properties": {f"c{index}": 1 for index in range(101)}}),
            "items[0].properties has 101 columns, expected at most 100",
        ),
        (
            call({"itemId": "a", "properties": {"text": "x" * 32_000}}),
            "items[0].properties has 32011 characters, expected at most 32000",
        ),
        (
            call({"itemId": "a", "properties": '{"a":' + "[" * 500 + "]" * 500 + "}"}),
            "items[0].properties is nested more than 32 deep",
        ),
    ],
)
def test_a_wrong_call_is_refused_by_name(body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_put_items(body)

    assert str(error.value) == message


@pytest.fixture
def dynamodb(client: Callable[[str], Any]) -> Any:
    table = client("dynamodb")
    table.create_table(
        TableName="catalogue",
        KeySchema=[{"AttributeName": "item_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "item_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return table


def test_more_items_than_one_batch_holds_are_all_stored(dynamodb: Any) -> None:
    store = CatalogueStore(dynamodb, "catalogue")
    items = [Item(f"i{index:02}", {"title": "ü😀\x00", "price": index}) for index in range(60)]

    assert store.put(iter(items), now_ms=5) == 60

    assert sorted(store.scan(), key=lambda item: item.item_id) == items


def test_the_last_item_of_an_id_wins_within_and_across_calls(dynamodb: Any) -> None:
    store = CatalogueStore(dynamodb, "catalogue")

    assert store.put([Item("a", {"v": 1}), Item("a", {"v": 2})], now_ms=5) == 1
    assert list(store.scan()) == [Item("a", {"v": 2})]

    store.put([Item("a", {"v": 3})], now_ms=6)
    assert list(store.scan()) == [Item("a", {"v": 3})]


def test_the_largest_properties_are_stored(dynamodb: Any) -> None:
    """Written again, 1e15 becomes four times as long; the item stays below DynamoDB's 400 KB."""
    text = '{"a":[' + ",".join(["1e15"] * 6398) + "]}"
    (item,) = parse_put_items(call({"itemId": "a", "properties": text}))
    store = CatalogueStore(dynamodb, "catalogue")

    store.put([item], now_ms=5)

    (stored,) = store.scan()
    assert stored.properties["a"] == [1e15] * 6398


class Throttled:
    """A DynamoDB client that leaves all but the first request of a batch unprocessed, `times` times."""

    def __init__(self, client: Any, *, times: int) -> None:
        self._client = client
        self._times = times

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - botocore's
        if not self._times:
            return dict(self._client.batch_write_item(RequestItems=RequestItems))
        self._times -= 1
        ((table, requests),) = RequestItems.items()
        self._client.batch_write_item(RequestItems={table: requests[:1]})
        return {"UnprocessedItems": {table: requests[1:]} if requests[1:] else {}}

    def get_paginator(self, name: str) -> Any:
        return self._client.get_paginator(name)


def test_throttled_items_are_written_after_growing_pauses(dynamodb: Any) -> None:
    pauses: list[float] = []
    store = CatalogueStore(Throttled(dynamodb, times=3), "catalogue", sleep=pauses.append)

    store.put([Item(f"i{index}", {}) for index in range(10)], now_ms=5)

    assert len(list(store.scan())) == 10
    assert pauses == [0.05, 0.1, 0.2]


def test_a_table_that_stays_throttled_is_unavailable(dynamodb: Any) -> None:
    pauses: list[float] = []
    store = CatalogueStore(Throttled(dynamodb, times=8), "catalogue", sleep=pauses.append)

    with pytest.raises(Unavailable, match="catalogue table catalogue left 2 of 10 items unwritten"):
        store.put([Item(f"i{index}", {}) for index in range(10)], now_ms=5)

    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_missing_table_is_unavailable(dynamodb: Any) -> None:
    store = CatalogueStore(dynamodb, "other")

    with pytest.raises(Unavailable, match="catalogue table other: "):
        store.put([Item("a", {})], now_ms=5)
    with pytest.raises(Unavailable, match="catalogue table other: "):
        list(store.scan())
