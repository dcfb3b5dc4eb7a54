"""Live profiles and their table."""

import dataclasses
import itertools
from typing import Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.events.action_events import action_properties
from alsolike.events.interactions import ACTION_TAKEN, MAX_TIME_MS
from alsolike.events.logins import Login
from alsolike.profiles.profile import Profile, RecentInteraction, from_items, history_item, recent, sort_key, to_item
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import Unavailable
from tests.fakes.places import create_profiles_table
from tests.unit.alsolike.records import TIME_MS, ids, interaction

NOW_MS = TIME_MS

few = st.lists(
    st.builds(
        RecentInteraction,
        event_time_ms=st.integers(1, 6),
        event_id=st.sampled_from("abcdef"),
        item_id=st.sampled_from("xy"),
        event_type=st.just("view"),
    ),
    max_size=8,
)
"""Interactions in which IDs often repeat with other contents and times."""


def seen(second, event_id=None, item_id="i"):
    return RecentInteraction(second * 1000, event_id or f"e{second}", item_id, "view")


def merged(*batches, length):
    profile = Profile("u#1")
    for batch in batches:
        profile = profile.merge(batch, length=length)
    return profile.recent


@given(few, few, few, st.integers(1, 4))
def test_batches_merge_to_the_same_profile_in_any_order(a, b, c, length):
    at_once = merged([*a, *b, *c], length=length)

    for order in itertools.permutations([a, b, c]):
        assert merged(*order, length=length) == at_once
        assert merged(*order, *order, length=length) == at_once  # All interactions are delivered twice.


def test_latest_100_interactions_are_kept():
    profile = Profile("u#1").merge(seen(second) for second in range(1, 251))

    assert HISTORY_LENGTH == 100
    assert [each.event_time_ms for each in profile.recent] == [second * 1000 for second in range(151, 251)]


@given(st.lists(st.builds(RecentInteraction, st.integers(0, MAX_TIME_MS), ids, ids, st.just("view")), max_size=5))
def test_stored_interactions_are_unchanged_after_write_and_read(batch):
    distinct = {(each.event_time_ms, each.event_id): each for each in batch}.values()
    items = [to_item("u#1", each, expires_s=1) for each in distinct]
    newest_first = sorted(items, key=lambda item: item["sort_key"]["S"].encode(), reverse=True)

    assert from_items("u#1", newest_first).recent == Profile("u#1").merge(distinct).recent


@pytest.mark.parametrize("character", ["\x00", "😀", "\u2028", "a"])
def test_longest_ids_fit_in_a_key_and_stay_distinct(character):
    batch = [RecentInteraction(MAX_TIME_MS, character * 255 + end, "i", "purchase") for end in "ab"]
    items = [to_item("u#1", each, expires_s=1) for each in batch]
    keys = [item["sort_key"]["S"] for item in items]

    assert max(len(key.encode()) for key in keys) <= 1_024
    assert len(set(keys)) == 2
    assert set(from_items("u#1", items[::-1]).recent) == set(batch)


@pytest.mark.parametrize(("characters", "is_complete"), [(252, True), (253, False)])
def test_key_of_at_most_1024_bytes_is_complete(characters, is_complete):
    event_id = "😀" * characters  # 4 bytes each, after the 15 digits of the time and a separator.

    key = sort_key(RecentInteraction(1, event_id, "i", "view"))

    assert (key == f"{1:015}#{event_id}") is is_complete
    assert len(key.encode()) <= 1_024


def test_profile_keeps_time_id_item_and_type_of_an_interaction():
    assert recent(interaction(event_type="cart")) == RecentInteraction(TIME_MS, "e1", "i1", "cart")


@pytest.fixture
def dynamodb(aws):
    table = aws("dynamodb")
    create_profiles_table(table, "profiles")
    return table


@pytest.fixture
def store(dynamodb):
    return ProfileStore(dynamodb, "profiles")


def test_interactions_are_added_once(dynamodb, store):
    for batch in ([seen(2), seen(1)], [seen(1)], [seen(3), seen(3)]):
        store.add("u#1", batch, now_ms=NOW_MS)

    assert store.read("u#1") == Profile("u#1", (seen(1), seen(2), seen(3)))
    assert len(dynamodb.scan(TableName="profiles")["Items"]) == 3


@pytest.mark.parametrize("length", [1, 2, 5, 100])
@given(batches=st.lists(few, max_size=4), order=st.randoms())
def test_stored_profile_equals_the_merge_of_all_batches(length, batches, order):
    contents = {(each.event_time_ms, each.event_id): each for batch in batches for each in batch}
    batches = [[contents[each.event_time_ms, each.event_id] for each in batch] for batch in batches]
    pages = PagedItems(page=order.choice([1, 2, 3, 10]))
    store = ProfileStore(cast(Any, pages), "profiles")

    for batch in batches:
        store.add("u#1", batch, now_ms=NOW_MS)

    assert store.read("u#1", length=length).recent == merged(*batches, length=length)


class PagedItems:
    def __init__(self, *, page):
        self._page = page
        self._items: dict[str, Any] = {}

    def batch_write_item(self, RequestItems):  # noqa: N803 - as boto3 has it
        assert len(RequestItems["profiles"]) <= 25
        for request in RequestItems["profiles"]:
            item = request["PutRequest"]["Item"]
            self._items[item["sort_key"]["S"]] = item
        return {"UnprocessedItems": {}}

    def query(self, **request):
        assert request["ScanIndexForward"] is False
        start = request.get("ExclusiveStartKey", {"sort_key": {"S": "~"}})["sort_key"]["S"]
        rest = [self._items[key] for key in sorted(self._items, reverse=True) if key < start]
        some = rest[: min(self._page, request["Limit"])]
        return {"Items": some, **({"LastEvaluatedKey": some[-1]} if len(some) < len(rest) else {})}


def test_one_query_reads_a_full_profile(dynamodb, store, monkeypatch):
    store.add("u#1", [seen(second) for second in range(1, 251)], now_ms=NOW_MS)
    calls: list[Any] = []
    query = dynamodb.query

    def counted(**call):
        calls.append(call)
        return query(**call)

    monkeypatch.setattr(dynamodb, "query", counted)

    found = store.read("u#1").recent

    assert [each.event_time_ms for each in found] == [second * 1000 for second in range(151, 251)]
    assert [call["Limit"] for call in calls] == [102]
    assert len(store.read("u#1", length=None).recent) == 250


@pytest.mark.parametrize(
    ("length", "seconds", "queries"),
    [
        (2, [2, 3], 2),
        (3, [1, 2, 3], 3),
        pytest.param(None, [1, 2, 3], 4, marks=pytest.mark.moto_differs("knows that a full page is the last")),
    ],
)
def test_actions_are_read_from_pages_until_the_length(dynamodb, store, monkeypatch, length, seconds, queries):
    taken = interaction(user_id="anna", item_id=None, event_type=ACTION_TAKEN, properties=action_properties("app"))
    events = [dataclasses.replace(taken, event_id=f"e{second}", event_time_ms=second) for second in (1, 2, 3)]
    store.add_actions(events, now_ms=NOW_MS)
    calls = []
    query = dynamodb.query

    def paged(**call):
        calls.append(call)
        return query(**{**call, "Limit": 1})

    monkeypatch.setattr(dynamodb, "query", paged)

    assert [action.event_time_ms for action in store.read_actions("u#anna", length=length)] == seconds
    assert len(calls) == 1 + queries  # The first query reads the mark of an erasure.


def test_batch_read_of_profiles_equals_single_reads(store):
    for number in range(230):
        store.add(f"u#{number}", [seen(number)], now_ms=NOW_MS)
    store.erase("u#7", now_ms=NOW_MS)
    wanted = [*(f"u#{number}" for number in range(229, -1, -1)), "u#unknown", "u#5"]

    found = store.read_many(wanted)

    assert found == {profile_id: store.read(profile_id) for profile_id in wanted}
    assert list(found) == wanted[:-1]
    assert found["u#7"].erased


class Throttled:
    """DynamoDB client whose first calls process at most `maximum` items each."""

    def __init__(self, client, *maximum):
        self._client = client
        self._maximum = list(maximum)
        self.batch_sizes: list[int] = []

    def _processed(self, given):
        self.batch_sizes.append(len(given))
        return self._maximum.pop(0) if self._maximum else len(given)

    def batch_get_item(self, RequestItems):  # noqa: N803 - as boto3 has it
        keys = RequestItems["profiles"]["Keys"]
        maximum = self._processed(keys)
        if not maximum:
            return {"Responses": {}, "UnprocessedKeys": {"profiles": {"Keys": keys}}}
        answer = self._client.batch_get_item(RequestItems={"profiles": {"Keys": keys[:maximum]}})
        return {**answer, "UnprocessedKeys": {"profiles": {"Keys": keys[maximum:]}} if keys[maximum:] else {}}

    def batch_write_item(self, RequestItems):  # noqa: N803
        requests = RequestItems["profiles"]
        maximum = self._processed(requests)
        if maximum:
            self._client.batch_write_item(RequestItems={"profiles": requests[:maximum]})
        return {"UnprocessedItems": {"profiles": requests[maximum:]} if requests[maximum:] else {}}


def test_unprocessed_writes_are_retried_with_delays(dynamodb):
    client, pauses = Throttled(dynamodb, 20, 0, 0), list[float]()
    store = ProfileStore(cast(Any, client), "profiles", pause=pauses.append)

    store.add("u#1", [seen(second) for second in range(1, 25)], now_ms=NOW_MS)

    assert len(ProfileStore(dynamodb, "profiles").read("u#1").recent) == 24
    assert client.batch_sizes == [24, 4, 4, 4]
    assert pauses == [0.05, 0.1]


def test_unprocessed_link_reads_are_retried_with_delays(dynamodb):
    for number in range(120):
        ProfileStore(dynamodb, "profiles").join(f"{number}", Login(9, "l", "1"), now_ms=NOW_MS)
    client, pauses = Throttled(dynamodb, 60, 0, 0, 100), list[float]()
    sessions = [f"s#{number}" for number in range(120)]

    found = ProfileStore(cast(Any, client), "profiles", pause=pauses.append).links(sessions)

    assert set(found) == set(sessions)
    # The first call processes 60 of 100 keys. The next calls request the other 40 and the last 20.
    assert client.batch_sizes == [100, 60, 60, 60]
    assert pauses == [0.05, 0.1]


def test_table_that_processes_nothing_raises_unavailable(dynamodb):
    reads, writes = Throttled(dynamodb, *[0] * 8), Throttled(dynamodb, *[0] * 8)

    with pytest.raises(Unavailable, match="profile table profiles: nothing was read 8 times in a row"):
        ProfileStore(cast(Any, reads), "profiles", pause=lambda seconds: None).links(["s#1"])
    with pytest.raises(Unavailable, match="profile table profiles: nothing was written 8 times in a row"):
        ProfileStore(cast(Any, writes), "profiles", pause=lambda seconds: None).add("u#1", [seen(1)], now_ms=NOW_MS)
    assert reads.batch_sizes == writes.batch_sizes == [1] * 8


def test_missing_table_and_timeout_raise_unavailable(dynamodb, monkeypatch):
    with pytest.raises(Unavailable, match=r"profile table other: .*ResourceNotFoundException"):
        ProfileStore(dynamodb, "other").add("u#1", [seen(1)], now_ms=NOW_MS)

    def silent(**_):
        raise ReadTimeoutError(endpoint_url="https://dynamodb.test")

    monkeypatch.setattr(dynamodb, "query", silent)
    with pytest.raises(Unavailable, match=r"profile table profiles: Read timeout"):
        ProfileStore(dynamodb, "profiles").read("u#1")


@pytest.fixture
def imported(aws):
    store = ProfileStore(aws("dynamodb"), create_profiles_table(aws("dynamodb"), "imported"))
    assert store.add_histories({"u#1": [seen(1), seen(5), seen(3)]}, now_ms=NOW_MS) == {}
    return store


def test_history_item_is_merged_with_single_interactions(imported):
    assert len(imported.keys("u#1")) == 1

    imported.add("u#1", [seen(6), seen(2)], now_ms=NOW_MS)

    assert imported.read("u#1").recent == (seen(1), seen(2), seen(3), seen(5), seen(6))
    assert imported.read("u#1", length=3).recent == (seen(3), seen(5), seen(6))
    assert [profile.recent for profile in imported.scan(length=2)] == [(seen(5), seen(6))]


def test_redelivered_latest_interaction_keeps_the_history(imported):
    imported.add("u#1", [seen(5)], now_ms=NOW_MS)

    assert imported.read("u#1").recent == (seen(1), seen(3), seen(5))


def test_histories_of_two_imports_count_each_event_once(imported):
    for _ in range(2):
        imported.add_histories({"u#1": [seen(3), seen(5), seen(7)]}, now_ms=NOW_MS)

    assert imported.read("u#1").recent == (seen(1), seen(3), seen(5), seen(7))
    assert len(imported.keys("u#1")) == 2


def test_history_of_an_erased_user_is_hidden_and_deleted(imported):
    imported.erase("u#1", now_ms=NOW_MS)
    imported.add_histories({"u#1": [seen(8)]}, now_ms=NOW_MS)
    assert imported.read("u#1") == Profile("u#1", erased=True)

    imported.delete(imported.keys("u#1"))
    assert imported.keys("u#1") == []


def test_rebuilt_user_profile_is_one_item(imported):
    imported.add("u#1", [seen(9)], now_ms=NOW_MS)

    imported.overwrite(Profile("u#1", (seen(2), seen(9))), now_ms=NOW_MS)

    assert imported.read("u#1").recent == (seen(2), seen(9))
    assert len(imported.keys("u#1")) == 1


@pytest.mark.parametrize(
    ("removed", "kept"),
    [(["e1"], (3, 5)), (["e5"], (1, 3)), (["e1", "e3", "e5"], ()), (["e5", "e9"], (1, 3)), (["e7"], (1, 3, 5))],
)
def test_removed_interactions_leave_the_rest_of_a_history(imported, removed, kept):
    imported.add("u#1", [seen(9)], now_ms=NOW_MS)

    count = imported.remove("u#1", removed)

    later = () if "e9" in removed else (seen(9),)
    assert imported.read("u#1").recent == (*map(seen, kept), *later)
    assert count == 4 - len(kept) - len(later)
    assert len(imported.keys("u#1")) == bool(kept) + len(later)


@given(few, few, st.integers(1, 8))
def test_mixed_items_and_histories_equal_single_items(single, together, length):
    def items(interactions):
        by_key = {(each.event_time_ms, each.event_id): each for each in sorted(interactions)}
        return [to_item("u#1", each, expires_s=1) for each in by_key.values()]

    def times(stored):
        latest_first = sorted(stored, key=lambda item: item["sort_key"]["S"], reverse=True)
        return [interaction[:2] for interaction in from_items("u#1", latest_first, length=length).recent]

    distinct = list({interaction[:2]: interaction for interaction in sorted(together)}.values())
    history = [history_item("u#1", distinct, expires_s=1)] if together else []

    assert times(items(single) + history) == times(items([*single, *together]))
