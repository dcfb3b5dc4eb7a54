"""A store that remembers what it wrote: fewer calls, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from alsolike.events.identity import Login
from alsolike.profiles.store import Profile, ProfileStore, RecentInteraction, SessionLink, pack
from alsolike.runtime.cache import BoundedCache
from alsolike.runtime.errors import Unavailable
from tests.fakes.places import create_table

NOW_MS = 1_700_000_000_000
TABLE = "profiles"


def seen(second: int, event_id: str | None = None) -> RecentInteraction:
    return RecentInteraction(second * 1000, event_id or f"e{second}", "i", "view")


class Counted:
    """A DynamoDB client that notes its calls; `meanwhile` happens before the call of that number."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []
        self.exceptions = client.exceptions
        self.meanwhile: dict[int, Callable[[], object]] = {}

    def _note(self, name: str) -> None:
        self.meanwhile.get(len(self.calls), lambda: None)()
        self.calls.append(name)

    def get_item(self, **call: Any) -> Any:
        self._note("get")
        return self._client.get_item(**call)

    def put_item(self, **call: Any) -> Any:
        self._note("put")
        return self._client.put_item(**call)


@pytest.fixture
def dynamodb(aws: Callable[[str], Any]) -> Counted:
    table = aws("dynamodb")
    create_table(table, TABLE, key="profile_id")
    return Counted(table)


@pytest.fixture
def store(dynamodb: Counted) -> ProfileStore:
    return ProfileStore(cast(Any, dynamodb), TABLE, remember_bytes=1_000_000)


@pytest.fixture
def other(dynamodb: Counted) -> ProfileStore:
    """Return the store of another process."""
    return ProfileStore(dynamodb._client, TABLE)


def test_second_write_of_a_profile_needs_no_reading(dynamodb: Counted, store: ProfileStore) -> None:
    store.add("u#1", [seen(1)], now_ms=NOW_MS)
    store.add("u#1", [seen(2)], now_ms=NOW_MS)
    store.add("u#1", [seen(2)], now_ms=NOW_MS)

    assert dynamodb.calls == ["get", "put", "put"]
    assert store.read("u#1") == Profile("u#1", (seen(1), seen(2)), revision=2)


def test_stale_memory_costs_one_refused_write_and_loses_nothing(
    dynamodb: Counted, store: ProfileStore, other: ProfileStore
) -> None:
    store.add("u#1", [seen(1)], now_ms=NOW_MS)
    other.add("u#1", [seen(2)], now_ms=NOW_MS)
    dynamodb.calls.clear()

    store.add("u#1", [seen(3)], now_ms=NOW_MS)

    assert dynamodb.calls == ["put", "put"]
    assert store.read("u#1") == Profile("u#1", (seen(1), seen(2), seen(3)), revision=3)


def test_remembered_profile_that_is_gone_does_not_come_back(dynamodb: Counted, store: ProfileStore) -> None:
    store.add("u#1", [seen(1)], now_ms=NOW_MS)
    dynamodb._client.delete_item(TableName=TABLE, Key={"profile_id": {"S": "u#1"}})

    store.add("u#1", [seen(2)], now_ms=NOW_MS)

    assert store.read("u#1").recent == (seen(2),)


@pytest.mark.parametrize("new_revision", [True, False])
def test_profile_erased_behind_the_memory_stays_empty(
    new_revision: bool, dynamodb: Counted, store: ProfileStore
) -> None:
    store.add("u#1", [seen(1)], now_ms=NOW_MS)
    erased = {"profile_id": {"S": "u#1"}, "recent": {"B": pack([])}, "erased_at_ms": {"N": str(NOW_MS)}}
    dynamodb._client.put_item(TableName=TABLE, Item={**erased, "revision": {"N": "2" if new_revision else "1"}})

    assert not store.add("u#1", [seen(2)], now_ms=NOW_MS)
    store.create("u#1", [seen(2)], now_ms=NOW_MS)
    store.join("s", Login(9000, "l", "1"), now_ms=NOW_MS)

    found = store.read("u#1")
    assert (found.recent, found.erased) == ((), True)


def test_mark_of_an_erased_profile_is_all_that_a_row_needs(dynamodb: Counted, store: ProfileStore) -> None:
    erased = {"profile_id": {"S": "u#1"}, "erased_at_ms": {"N": str(NOW_MS)}}
    dynamodb._client.put_item(TableName=TABLE, Item=erased)

    assert not store.add("u#1", [seen(2)], now_ms=NOW_MS)
    assert store.read("u#1") == Profile("u#1", erased=True)


def test_session_joined_behind_the_memory_gives_its_late_events_to_the_user(
    store: ProfileStore, other: ProfileStore
) -> None:
    store.add("s#s", [seen(1)], now_ms=NOW_MS)
    other.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    store.add("s#s", [seen(2), seen(5), seen(6)], now_ms=NOW_MS)

    assert store.read("u#1").recent == (seen(1), seen(2), seen(5))
    assert store.read("s#s") == Profile("s#s", (seen(6),), revision=3, joined=SessionLink("u#1", 5000))


def test_known_session_costs_its_user_nothing(dynamodb: Counted, store: ProfileStore, other: ProfileStore) -> None:
    other.join("old", Login(5000, "l", "1"), now_ms=NOW_MS)

    for _ in range(3):
        store.join("new", Login(7000, "m", "1"), now_ms=NOW_MS)
        store.join("old", Login(9000, "n", "2"), now_ms=NOW_MS)

    assert dynamodb.calls == ["put", "put"]  # one each, of which the second is refused
    assert store.read("s#old").joined == SessionLink("u#1", 5000)


def test_join_that_was_cut_short_is_completed_by_its_repetition(
    dynamodb: Counted, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add("s#s", [seen(1), seen(2)], now_ms=NOW_MS)
    process = ProfileStore(cast(Any, dynamodb), TABLE, remember_bytes=1_000_000)
    replace = process._replace

    def cut_short(profile: Profile, *, now_ms: int) -> Profile | None:
        if profile.joined is not None and profile.revision:
            raise Unavailable("killed")
        return replace(profile, now_ms=now_ms)

    monkeypatch.setattr(process, "_replace", cut_short)
    with pytest.raises(Unavailable):
        process.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)
    after_the_cut = store.read("u#1").recent, store.read("s#s").recent
    store.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    assert after_the_cut == ((seen(1), seen(2)), (seen(1), seen(2)))  # never in none
    assert (store.read("u#1").recent, store.read("s#s").recent) == ((seen(1), seen(2)), ())


@pytest.mark.parametrize("call", range(4))
def test_session_event_that_comes_in_the_middle_of_a_join_is_the_users(
    call: int, dynamodb: Counted, store: ProfileStore, other: ProfileStore
) -> None:
    """The join tries to mark, reads the user, writes the user, marks."""
    other.add("s#s", [seen(1)], now_ms=NOW_MS)
    dynamodb.meanwhile[call] = lambda: other.add("s#s", [seen(2), seen(9)], now_ms=NOW_MS)

    store.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    assert dynamodb.calls[:4] == ["put", "get", "put", "put"]
    assert store.read("u#1").recent == (seen(1), seen(2))
    assert store.read("s#s").recent == (seen(9),)


@pytest.mark.parametrize("call", range(2))
def test_session_event_that_meets_a_join_between_its_reading_and_its_writing_is_the_users(
    call: int, dynamodb: Counted, store: ProfileStore, other: ProfileStore
) -> None:
    other.add("s#s", [seen(1)], now_ms=NOW_MS)
    dynamodb.meanwhile[call] = lambda: other.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    store.add("s#s", [seen(2), seen(9)], now_ms=NOW_MS)

    assert store.read("u#1").recent == (seen(1), seen(2))
    assert store.read("s#s").recent == (seen(9),)


def test_cache_keeps_what_was_used_last_within_its_budget() -> None:
    cache = BoundedCache[str, int](10)

    cache.put("a", 1, size_bytes=4)
    cache.put("b", 2, size_bytes=4)
    cache.get("a")
    cache.put("c", 3, size_bytes=4)
    cache.put("too large", 4, size_bytes=11)

    assert [cache.get(key) for key in ("a", "b", "c", "too large")] == [1, None, 3, None]


def test_cache_counts_a_value_that_is_put_again_once() -> None:
    cache = BoundedCache[str, int](10)

    for value in range(5):
        cache.put("a", value, size_bytes=6)
    cache.forget("a")
    cache.put("b", 1, size_bytes=10)

    assert (cache.get("a"), cache.get("b")) == (None, 1)
