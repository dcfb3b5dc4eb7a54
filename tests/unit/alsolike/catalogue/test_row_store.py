import gzip
import itertools
from functools import partial
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.catalogue.items import ITEMS, CatalogueStore, Item
from alsolike.catalogue.row_store import Stored
from alsolike.catalogue.rows import changed, parse_put
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound, Unavailable
from tests.fakes.places import create_table
from tests.unit.alsolike.catalogue_columns import CHANGES, live


def put_call(*items):
    return orjson.dumps({"datasetArn": "arn:x", "items": list(items)})


@pytest.fixture
def dynamodb(aws):
    table = aws("dynamodb")
    create_table(table, "catalogue", key="item_id")
    return table


@pytest.fixture
def store(dynamodb):
    return CatalogueStore(dynamodb, "catalogue")


def test_items_of_several_batches_are_all_stored(store):
    items = [Item(f"i{index:02}", {"title": "ü😀\x00", "price": index}) for index in range(60)]

    assert store.put_batches(iter(items), now_ms=5) == 60

    assert sorted(store.scan(), key=lambda item: item.item_id) == items


def test_last_item_of_an_id_is_stored_within_and_across_calls(store):
    assert store.put([Item("a", {"v": 1}), Item("a", {"v": 2})], now_ms=5) == 1
    assert list(store.scan()) == [Item("a", {"v": 2})]

    store.put([Item("a", {"v": 3})], now_ms=6)
    assert list(store.scan()) == [Item("a", {"v": 3})]


def test_largest_properties_are_stored(store):
    """Stored, 1e15 takes about four times as many bytes as in JSON. The item stays below DynamoDB's limit of 400 KB."""
    text = '{"a":[' + ",".join(["1e15"] * 6398) + "]}"
    (item,) = parse_put(put_call({"itemId": "a", "properties": text}), ITEMS).rows
    store.put([item], now_ms=5)

    (stored,) = store.scan()
    assert stored.properties["a"] == [1e15] * 6398


def test_row_is_inserted_once(store):
    assert store.insert(Item("a", {"v": 1}), now_ms=5)
    assert not store.insert(Item("a", {"v": 2}), now_ms=6)

    assert list(store.scan()) == [Item("a", {"v": 1})]


class LostResponses:
    """DynamoDB client whose first response to each write is lost, so that botocore repeats the write."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    def put_item(self, **request):
        self._client.put_item(**request)
        return self._client.put_item(**request)


def test_write_with_a_lost_response_is_applied_once(dynamodb):
    store = CatalogueStore(cast(Any, LostResponses(dynamodb)), "catalogue")

    assert store.insert(Item("a", {"v": 1}), now_ms=5)
    assert not store.insert(Item("a", {"v": 9}), now_ms=5)
    store.put([Item("a", {"v": 2})], now_ms=6)
    assert store.get("a") == Stored(Item("a", {"v": 2}), 6)
    store.delete("a", now_ms=8)
    with pytest.raises(NotFound):
        store.delete("a", now_ms=9)


class Throttled:
    def __init__(self, client, *, times):
        self._client = client
        self._times = times

    def batch_write_item(self, *, RequestItems):  # noqa: N803 - botocore's
        if not self._times:
            return dict(self._client.batch_write_item(RequestItems=RequestItems))
        self._times -= 1
        ((table, requests),) = RequestItems.items()
        self._client.batch_write_item(RequestItems={table: requests[:1]})
        return {"UnprocessedItems": {table: requests[1:]} if requests[1:] else {}}

    def get_paginator(self, name):
        return self._client.get_paginator(name)


def test_throttled_writes_are_retried_after_increasing_delays(dynamodb):
    pauses: list[float] = []
    store = CatalogueStore(cast(Any, Throttled(dynamodb, times=3)), "catalogue", sleep=pauses.append)

    store.put_batches([Item(f"i{index}", {}) for index in range(10)], now_ms=5)

    assert len(list(store.scan())) == 10
    assert pauses == [0.05, 0.1, 0.2]


def test_continuously_throttled_table_raises_unavailable(dynamodb):
    pauses: list[float] = []
    store = CatalogueStore(cast(Any, Throttled(dynamodb, times=8)), "catalogue", sleep=pauses.append)

    with pytest.raises(Unavailable, match="item table catalogue left 2 of 10 rows unwritten"):
        store.put_batches([Item(f"i{index}", {}) for index in range(10)], now_ms=5)

    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_missing_table_raises_unavailable(dynamodb):
    store = CatalogueStore(dynamodb, "other")

    with pytest.raises(Unavailable, match="item table other: "):
        store.put([Item("a", {})], now_ms=5)
    with pytest.raises(Unavailable, match="item table other: "):
        list(store.scan())


def test_write_with_an_older_clock_is_still_the_latest(store):
    store.put([Item("a", {"price": 1})], now_ms=90)

    store.put([Item("a", {"price": 2}), Item("b", {})], now_ms=5)

    assert store.get("a") == Stored(Item("a", {"price": 2}), 91)
    assert store.get("b") == Stored(Item("b", {}), 5)


def test_row_put_after_its_deletion_is_later_than_the_deletion(store):
    store.put([Item("a", {"price": 1})], now_ms=5)
    store.delete("a", now_ms=5)

    store.put([Item("a", {"price": 2})], now_ms=6)

    assert store.get("a") == Stored(Item("a", {"price": 2}), 7)


def test_row_changed_by_others_at_every_attempt_raises_concurrent_update(dynamodb):
    others = itertools.count(100)

    class Overtaken:
        exceptions = dynamodb.exceptions

        def put_item(self, **request):
            number = next(others)
            CatalogueStore(dynamodb, "catalogue").put([Item("a", {"n": number})], now_ms=number)
            return dynamodb.put_item(**request)

    with pytest.raises(ConcurrentUpdate, match="item 'a' changed 8 times"):
        CatalogueStore(cast(Any, Overtaken()), "catalogue").put([Item("a", {})], now_ms=5)


def price(value):
    return lambda properties: changed(properties, {"price": value}, ITEMS)


def test_concurrent_change_in_the_same_millisecond_is_kept(dynamodb):
    CatalogueStore(dynamodb, "catalogue").put([Item("a", {"price": 1})], now_ms=5)
    both = iter([orjson.dumps({"price": 1, "title": "Pear"}).decode()])

    class Overtaken:
        exceptions = dynamodb.exceptions
        get_item = dynamodb.get_item

        def put_item(self, **request):
            for properties in both:
                dynamodb.update_item(
                    TableName="catalogue", Key={"item_id": {"S": "a"}},
                    UpdateExpression="SET properties = :properties",
                    ExpressionAttributeValues={":properties": {"S": properties}},
                )  # fmt: skip
            return dynamodb.put_item(**request)

    stored = CatalogueStore(cast(Any, Overtaken()), "catalogue").update("a", price(2), now_ms=6)

    assert stored.row == Item("a", {"price": 2, "title": "Pear"})


def test_update_sets_and_removes_columns(store):
    store.put([Item("a", {"price": 1, "colour": "red", "size": "S"})], now_ms=5)

    updated = store.update("a", lambda found: changed(found, {"price": 2, "colour": None}, ITEMS), now_ms=9)

    assert updated == store.get("a") == Stored(Item("a", {"price": 2, "size": "S"}), 9)


def test_update_time_is_later_than_the_replaced_one_with_any_clock(store):
    store.put([Item("a", {})], now_ms=5)

    store.update("a", price(2), now_ms=3)

    assert store.get("a") == Stored(Item("a", {"price": 2}), 6)


def test_concurrent_updates_are_all_applied(store):
    """Another writer changes the row before each of the first two writes, with the same timestamp."""
    store.put([Item("a", {"count": 0})], now_ms=5)
    others = iter([{"count": 1}, {"count": 2}])

    def add_one(found):
        if (other := next(others, None)) is not None:
            store.put([Item("a", other)], now_ms=5)
        return {"count": found["count"] + 1}

    assert store.update("a", add_one, now_ms=5).row == Item("a", {"count": 3})


def test_update_overtaken_at_every_attempt_raises_concurrent_update(store):
    store.put([Item("a", {"price": 0})], now_ms=5)
    others = iter(range(1, 100))

    def overtaken(found):
        store.put([Item("a", {"price": next(others)})], now_ms=5)
        return {**found, "mine": True}

    with pytest.raises(ConcurrentUpdate, match="item 'a' changed 8 times while it was updated"):
        store.update("a", overtaken, now_ms=5)
    assert store.get("a") == Stored(Item("a", {"price": 8}), 5 + 8)


@pytest.mark.parametrize("leaves_mark", [True, False])
def test_row_removed_during_an_update_is_not_restored(dynamodb, store, leaves_mark):
    """An erasure deletes a user's row and leaves no marker."""
    store.put([Item("a", {"price": 0})], now_ms=5)

    def overtaken(found):
        if leaves_mark:
            store.delete("a", now_ms=6)
        else:
            dynamodb.delete_item(TableName="catalogue", Key={"item_id": {"S": "a"}})
        return found

    with pytest.raises(NotFound, match="there is no item 'a'"):
        store.update("a", overtaken, now_ms=7)
    assert list(store.scan()) == []


def test_deleted_row_is_absent_and_leaves_a_mark_for_the_table_stream(dynamodb, store):
    store.put([Item("a", {"price": 0}), Item("b", {})], now_ms=5)

    store.delete("a", now_ms=5)

    assert list(store.scan()) == [Item("b", {})]
    assert [stored.row for stored in store.page(limit=10)[0]] == [Item("b", {})]
    assert dynamodb.get_item(TableName="catalogue", Key={"item_id": {"S": "a"}})["Item"] == {
        "item_id": {"S": "a"},
        "deleted": {"BOOL": True},
        "updated_at_ms": {"N": "6"},
    }


def test_missing_row_cannot_be_updated_or_deleted(store):
    store.put([Item("a", {})], now_ms=5)
    store.delete("a", now_ms=6)

    for row_id in ("a", "b"):
        update = partial(store.update, row_id, price(1), now_ms=7)
        for call in (update, partial(store.delete, row_id, now_ms=7), partial(store.get, row_id)):
            with pytest.raises(NotFound, match=f"there is no item '{row_id}'"):
                call()


def test_pages_continue_to_the_last_row(store):
    items = [Item(f"i/ü{index}", {}) for index in range(7)]
    store.put(items, now_ms=5)

    pages, token = [], None
    for _ in range(10):
        rows, token = store.page(limit=3, token=token)
        pages.append([stored.row for stored in rows])
        if token is None:
            break

    assert token is None
    assert max(map(len, pages)) <= 3
    assert sorted(itertools.chain(*pages), key=lambda item: item.item_id) == items


@pytest.mark.parametrize("token", ["", "%", "abc", "//8=", "ü"])
def test_invalid_page_token_is_refused(dynamodb, token):
    with pytest.raises(InvalidInput, match="expected one that this list returned"):
        CatalogueStore(dynamodb, "catalogue").page(limit=3, token=token)


@given(st.lists(CHANGES, max_size=6), st.sampled_from(ChangeKind))
def test_changes_are_unchanged_after_encoding_and_decoding(changes, kind):
    data = change_log.encode(kind, changes)

    assert list(change_log.decode(kind, data)) == changes
    assert change_log.encode(kind, changes) == data


@given(st.lists(CHANGES, max_size=8), st.permutations(range(8)))
def test_newest_changes_do_not_depend_on_order_or_repetition(changes, order):
    shuffled = [changes[place] for place in order if place < len(changes)]

    newest = change_log.newest(itertools.chain(shuffled, changes))

    assert {i: c.properties for i, c in newest.items() if c.properties is not None} == live(changes)


def test_encoded_lines_have_the_columns_of_the_sql_table():
    data = change_log.encode(ChangeKind.USER, [Change("u", 5, {"age": 7}), Change("v", 6, None)])

    assert gzip.decompress(data).decode().splitlines() == [
        '{"user_id":"u","updated_at_ms":5,"deleted":false,"properties":"{\\"age\\":7}"}',
        '{"user_id":"v","updated_at_ms":6,"deleted":true}',
    ]


def test_changes_are_grouped_by_their_own_date():
    changes = [Change("a", DAY_MS - 1, None), Change("b", DAY_MS, None), Change("a", 0, None)]

    assert change_log.by_date(changes) == {"1970-01-01": [changes[0], changes[2]], "1970-01-02": [changes[1]]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (change_log.encode(ChangeKind.ITEM, [Change("a", 1, {})])[:-9], "x is not a complete gzip file"),
        (b"plain", "x is not a complete gzip file"),
        (gzip.compress(b'{"item_id":"a","updated_at_ms":1,"deleted":true}\n{}'), "x, line 2: expected a change of one"),
        (gzip.compress(b'{"item_id":"a","updated_at_ms":1,"deleted":false,"properties":"[]"}'), "x, line 1: "),
        (gzip.compress(b'{"user_id":"a","updated_at_ms":1,"deleted":true}'), "x, line 1: "),
        (gzip.compress(b"no JSON"), "x, line 1: "),
    ],
    ids=["cut off", "not packed", "second line", "properties", "another kind", "no JSON"],
)  # fmt: skip
def test_unreadable_object_error_names_the_line(data, message):
    with pytest.raises(InvalidInput, match=message):
        list(change_log.decode(ChangeKind.ITEM, data, name="x"))
