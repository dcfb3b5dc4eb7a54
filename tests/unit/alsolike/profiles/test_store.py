"""Live profiles: merging in any order, and the table."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.domain.configuration import HISTORY_LENGTH
from alsolike.profiles.profile import MAX_BYTES
from alsolike.profiles.store import Profile, ProfileStore, RecentInteraction, pack, recent, unpack
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from tests.fakes.places import create_table
from tests.unit.alsolike.records import TIME_MS, ids, interaction

NOW_MS = TIME_MS
DYNAMODB_ITEM_BYTES = 400 * 1024

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
"""Many ids that meet again with other contents and times."""


def seen(second: int, event_id: str | None = None, item_id: str = "i") -> RecentInteraction:
    return RecentInteraction(second * 1000, event_id or f"e{second}", item_id, "view")


def merged(*batches: list[RecentInteraction], length: int) -> tuple[RecentInteraction, ...]:
    profile = Profile("u#1")
    for batch in batches:
        profile = profile.merge(batch, length=length)
    return profile.recent


@given(few, few, few, st.integers(1, 4))
def test_batches_merge_the_same_in_any_order_and_number(
    a: list[RecentInteraction], b: list[RecentInteraction], c: list[RecentInteraction], length: int
) -> None:
    at_once = merged([*a, *b, *c], length=length)

    for order in itertools.permutations([a, b, c]):
        assert merged(*order, length=length) == at_once
        assert merged(*order, *order, length=length) == at_once  # delivered again


@given(few, few, few, st.integers(1, 4))
def test_merging_is_associative(
    a: list[RecentInteraction], b: list[RecentInteraction], c: list[RecentInteraction], length: int
) -> None:
    left = merged([*merged(a, b, length=length)], c, length=length)
    right = merged(a, [*merged(b, c, length=length)], length=length)

    assert left == right


@given(few)
def test_a_profile_has_each_event_once_oldest_first(batch: list[RecentInteraction]) -> None:
    found = Profile("u#1").merge(batch).recent

    assert {each.event_id for each in found} == {each.event_id for each in batch}
    assert len({each.event_id for each in found}) == len(found)
    assert list(found) == sorted(found)


def test_the_latest_hundred_are_kept() -> None:
    profile = Profile("u#1").merge(seen(second) for second in range(1, 251))

    assert HISTORY_LENGTH == 100
    assert [each.event_time_ms for each in profile.recent] == [second * 1000 for second in range(151, 251)]


def test_an_event_that_was_cut_off_does_not_come_back_with_another_content() -> None:
    late, early = seen(9, "a"), seen(1, "a")
    others = [seen(5), seen(6)]

    assert merged(others, [late], [early], [late], length=2) == (seen(6), late)
    assert merged(others, [early], [late], length=2) == (seen(6), late)


@given(st.lists(st.builds(RecentInteraction, st.integers(1, 2**53), ids, ids, st.just("view")), max_size=5))
def test_packed_interactions_read_the_same(batch: list[RecentInteraction]) -> None:
    assert unpack(pack(batch)) == tuple(batch)


@pytest.mark.parametrize("character", ["\x00", "😀", "\u2028", '"'])
def test_a_full_profile_of_the_longest_ids_fits_into_one_item(character: str) -> None:
    item_id = character * 256
    batch = [
        RecentInteraction(253_402_300_799_999, character * 254 + f"{index:02}", item_id, "purchase")
        for index in range(HISTORY_LENGTH)
    ]
    key_bytes = len(f"u#{item_id}".encode())

    assert len(Profile("u#1").merge(batch).recent) == HISTORY_LENGTH
    assert len(pack(batch)) + key_bytes + 100 < DYNAMODB_ITEM_BYTES


@settings(max_examples=10)
@given(st.permutations(range(300)))
def test_a_longer_profile_keeps_the_latest_that_fit_into_one_item_in_whatever_order_they_came(order: list[int]) -> None:
    batch = [RecentInteraction(index, "\x00" * 253 + f"{index:03}", "\x00" * 256, "view") for index in order]
    longest = merged(batch[:150], batch[150:], length=1000)

    assert longest == tuple(sorted(batch)[-len(longest) :])
    assert len(pack(longest)) <= MAX_BYTES < len(pack(sorted(batch)[-len(longest) - 1 :]))


def test_a_profile_keeps_what_a_history_needs() -> None:
    assert recent(interaction(event_type="cart")) == RecentInteraction(TIME_MS, "e1", "i1", "cart")


@pytest.fixture
def dynamodb(aws: Callable[[str], Any]) -> Any:
    table = aws("dynamodb")
    create_table(table, "profiles", key="profile_id")
    return table


def test_an_unknown_profile_is_empty(dynamodb: Any) -> None:
    assert ProfileStore(dynamodb, "profiles").read("u#1") == Profile("u#1", (), 0)


def test_interactions_are_added_once(dynamodb: Any) -> None:
    store = ProfileStore(dynamodb, "profiles")

    assert store.add("u#1", [seen(2), seen(1)], now_ms=NOW_MS)
    assert not store.add("u#1", [seen(1)], now_ms=NOW_MS)
    assert store.add("u#1", [seen(3)], now_ms=NOW_MS)

    assert store.read("u#1") == Profile("u#1", (seen(1), seen(2), seen(3)), revision=2)


def test_a_stored_profile_says_when_it_expires(dynamodb: Any) -> None:
    ProfileStore(dynamodb, "profiles").add("s#ü\x00😀", [seen(1)], now_ms=NOW_MS)

    (item,) = dynamodb.scan(TableName="profiles")["Items"]

    assert item["profile_id"] == {"S": "s#ü\x00😀"}
    assert item["expires_at"] == {"N": str(1_700_000_000 + 400 * 86_400)}


def test_creating_over_a_stored_profile_merges(dynamodb: Any) -> None:
    store = ProfileStore(dynamodb, "profiles")

    store.create("u#1", [seen(1)], now_ms=NOW_MS)
    store.create("u#1", [seen(2)], now_ms=NOW_MS)

    assert store.read("u#1").recent == (seen(1), seen(2))


class OtherWriters:
    """A DynamoDB client in front of which other writers are faster `wins` times."""

    def __init__(self, client: Any, *, wins: int) -> None:
        self._client = client
        self._wins = wins
        self.exceptions = client.exceptions

    def get_item(self, **call: Any) -> Any:
        return self._client.get_item(**call)

    def put_item(self, **call: Any) -> Any:
        if self._wins:
            ProfileStore(self._client, "profiles").add("u#1", [seen(100 + self._wins)], now_ms=NOW_MS)
            self._wins -= 1
        return self._client.put_item(**call)


def test_writers_at_the_same_time_lose_nothing(dynamodb: Any) -> None:
    store = ProfileStore(cast(Any, OtherWriters(dynamodb, wins=7)), "profiles")

    assert store.add("u#1", [seen(1)], now_ms=NOW_MS)

    assert store.read("u#1").recent == (seen(1), *(seen(second) for second in range(101, 108)))


def test_a_writer_that_always_loses_gives_up(dynamodb: Any) -> None:
    store = ProfileStore(cast(Any, OtherWriters(dynamodb, wins=8)), "profiles")

    with pytest.raises(ConcurrentUpdate, match="a profile of profiles changed 8 times while it was updated"):
        store.add("u#1", [seen(1)], now_ms=NOW_MS)


def test_many_profiles_are_read_as_each_alone(dynamodb: Any) -> None:
    store = ProfileStore(dynamodb, "profiles")
    for number in range(230):
        store.create(f"u#{number}", [seen(number)], now_ms=NOW_MS)
    store.erase("u#7", now_ms=NOW_MS)
    wanted = [*(f"u#{number}" for number in range(229, -1, -1)), "u#unknown", "u#5"]

    found = store.read_many(wanted)

    assert found == {profile_id: store.read(profile_id) for profile_id in wanted}
    assert list(found) == wanted[:-1]
    assert found["u#7"].erased


class Throttled:
    """A DynamoDB client that reads at most so many keys of each call, by its number from 0."""

    def __init__(self, client: Any, *most: int) -> None:
        self._client = client
        self._most = list(most)
        self.asked: list[int] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - as boto3 has it
        keys = RequestItems["profiles"]["Keys"]
        self.asked.append(len(keys))
        most = self._most.pop(0) if self._most else len(keys)
        if not most:
            return {"Responses": {}, "UnprocessedKeys": {"profiles": {"Keys": keys}}}
        answer = self._client.batch_get_item(RequestItems={"profiles": {"Keys": keys[:most]}})
        return {**answer, "UnprocessedKeys": {"profiles": {"Keys": keys[most:]}} if keys[most:] else {}}


def test_keys_that_were_not_looked_at_are_asked_for_again_after_a_pause_where_none_were(dynamodb: Any) -> None:
    store = ProfileStore(dynamodb, "profiles")
    for number in range(120):
        store.create(f"u#{number}", [seen(number)], now_ms=NOW_MS)
    client = Throttled(dynamodb, 60, 0, 0, 100)
    pauses: list[float] = []

    found = ProfileStore(cast(Any, client), "profiles").read_many([f"u#{n}" for n in range(120)], pause=pauses.append)

    assert [profile.recent for profile in found.values()] == [(seen(number),) for number in range(120)]
    assert client.asked == [100, 60, 60, 60]  # 120 less the first 60, three times
    assert pauses == [0.05, 0.1]


def test_a_table_that_reads_nothing_of_many_is_unavailable(dynamodb: Any) -> None:
    store = ProfileStore(cast(Any, Throttled(dynamodb, *[0] * 8)), "profiles")

    with pytest.raises(Unavailable, match="profile table profiles: nothing was read 8 times in a row"):
        store.read_many(["u#1"], pause=lambda seconds: None)


def test_a_missing_table_and_a_silent_network_are_unavailable(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match=r"profile table other: .*ResourceNotFoundException"):
        ProfileStore(dynamodb, "other").add("u#1", [seen(1)], now_ms=NOW_MS)

    def silent(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.test")

    monkeypatch.setattr(dynamodb, "get_item", silent)
    with pytest.raises(Unavailable, match=r"profile table profiles: Read timeout"):
        ProfileStore(dynamodb, "profiles").read("u#1")
