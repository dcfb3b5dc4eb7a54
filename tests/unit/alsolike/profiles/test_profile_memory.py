"""Logins, erasures and concurrent writers, with and without cached sessions."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import ConnectionClosedError

from alsolike.events.logins import Login
from alsolike.profiles.profile import Profile, RecentInteraction, SessionLink
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.cache import BoundedCache
from alsolike.runtime.errors import Unavailable
from tests.fakes.places import create_profiles_table

NOW_MS = 1_700_000_000_000
TABLE = "profiles"


def seen(second, event_id=None):
    return RecentInteraction(second * 1000, event_id or f"e{second}", "i", "view")


class Killed(Exception):
    """Error that stands for the end of the store's process."""


class Counted:
    """DynamoDB client that runs `meanwhile[n]` before its call number n, counted from 0."""

    def __init__(self, client):
        self._client = client
        self.calls: list[str] = []
        self.meanwhile: dict[int, Callable[[], object]] = {}

    def __getattr__(self, name):
        found = getattr(self._client, name)
        if name not in ("query", "put_item", "batch_write_item", "batch_get_item"):
            return found

        def call(**request):
            self.meanwhile.get(len(self.calls), lambda: None)()
            self.calls.append(name.removesuffix("_item"))
            return found(**request)

        return call


@pytest.fixture
def dynamodb(aws):
    create_profiles_table(aws("dynamodb"), TABLE)
    return Counted(aws("dynamodb"))


@pytest.fixture
def store(dynamodb):
    return ProfileStore(cast(Any, dynamodb), TABLE, remember_bytes=1_000_000)


@pytest.fixture
def other(dynamodb):
    """Return the store of another process."""
    return ProfileStore(dynamodb._client, TABLE)


JOIN = ["batch_get", "batch_write", "put", "query", "batch_write"]
"""Calls of a join: read the mark, record the session, mark it, read the interactions to copy, and complete the mark."""


def test_deleted_profile_is_not_restored(store, other):
    store.add("u#1", [seen(1)], now_ms=NOW_MS)
    other.delete(other.keys("u#1"))

    store.add("u#1", [seen(2)], now_ms=NOW_MS)

    assert store.read("u#1").recent == (seen(2),)


def test_profile_erased_by_another_process_stays_empty(store, other):
    store.add("u#1", [seen(1)], now_ms=NOW_MS)
    other.erase("u#1", now_ms=NOW_MS)

    store.add("u#1", [seen(2)], now_ms=NOW_MS)
    store.join("s", Login(9000, "l", "1"), now_ms=NOW_MS)
    store.overwrite(Profile("u#1", (seen(3),)), now_ms=NOW_MS)

    found = store.read("u#1")
    assert (found.recent, found.erased) == ((), True)


def test_late_events_of_a_session_joined_elsewhere_belong_to_the_user(store, other):
    store.add("s#s", [seen(1)], now_ms=NOW_MS)
    other.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    store.add("s#s", [seen(2), seen(5), seen(6)], now_ms=NOW_MS)

    assert store.read("u#1").recent == (seen(1), seen(2), seen(5))
    assert store.read("s#s") == Profile("s#s", (seen(6),), joined=SessionLink("u#1", 5000))


def test_repeated_join_of_a_cached_session_needs_no_calls(dynamodb, store, other):
    other.join("old", Login(5000, "l", "1"), now_ms=NOW_MS)

    for _ in range(3):
        store.join("new", Login(7000, "m", "1"), now_ms=NOW_MS)
        store.join("old", Login(9000, "n", "2"), now_ms=NOW_MS)

    assert dynamodb.calls == [*JOIN, "batch_get"]
    assert store.read("s#old").joined == SessionLink("u#1", 5000)


def state(store):
    return {each.profile_id: each for each in store.scan()}


@pytest.mark.parametrize("call", range(6))
@pytest.mark.parametrize("remembers", [False, True])
def test_interrupted_join_is_completed_by_its_repetition(call, remembers, dynamodb, store, other):
    other.add("s#s", [seen(1), seen(2)], now_ms=NOW_MS)
    killed = Counted(dynamodb._client)

    def die():
        raise Killed

    killed.meanwhile[call] = die
    with pytest.raises(Killed):
        ProfileStore(cast(Any, killed), TABLE).join("s", Login(5000, "l", "1"), now_ms=NOW_MS)
    after_the_cut = set(other.read("u#1").recent) | set(other.read("s#s").recent)
    other.add("s#s", [seen(3)], now_ms=NOW_MS)
    (store if remembers else other).join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    assert len(killed.calls) == call
    assert after_the_cut == {seen(1), seen(2)}  # The interrupted join lost no interaction.
    assert state(other) == {
        "u#1": Profile("u#1", (seen(1), seen(2), seen(3))),
        "s#s": Profile("s#s", joined=SessionLink("u#1", 5000)),
    }
    assert other.sessions_of("u#1") == {"s#s": SessionLink("u#1", 5000)}


def test_failed_join_leaves_the_session_unjoined(dynamodb, store, other):
    other.add("s#s", [seen(1)], now_ms=NOW_MS)

    def refuse():
        del dynamodb.meanwhile[1]  # Only this call fails.
        raise ConnectionClosedError(endpoint_url="http://dynamodb")

    dynamodb.meanwhile[1] = refuse
    with pytest.raises(Unavailable):
        store.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    assert dynamodb.calls == ["batch_get"]
    assert state(other) == {"s#s": Profile("s#s", (seen(1),))}


@pytest.mark.parametrize("call", range(6))
def test_session_event_written_during_a_join_belongs_to_the_user(call, dynamodb, store, other):
    other.add("s#s", [seen(1)], now_ms=NOW_MS)
    dynamodb.meanwhile[call] = lambda: other.add("s#s", [seen(2), seen(9)], now_ms=NOW_MS)

    store.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    assert len(dynamodb.calls) == 6
    assert store.read("u#1").recent == (seen(1), seen(2))
    assert store.read("s#s").recent == (seen(9),)


@pytest.mark.parametrize("call", range(2))
def test_session_event_overtaken_by_a_join_belongs_to_the_user(call, dynamodb, store, other):
    other.add("s#s", [seen(1)], now_ms=NOW_MS)
    dynamodb.meanwhile[call] = lambda: other.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    store.add("s#s", [seen(2), seen(9)], now_ms=NOW_MS)

    assert store.read("u#1").recent == (seen(1), seen(2))
    assert store.read("s#s").recent == (seen(9),)


@pytest.mark.parametrize("call", range(6))
def test_only_one_of_two_concurrent_logins_joins_the_session(call, dynamodb, store, other):
    other.add("s#s", [seen(1)], now_ms=NOW_MS)
    dynamodb.meanwhile[call] = lambda: other.join("s", Login(6000, "m", "2"), now_ms=NOW_MS)

    store.join("s", Login(5000, "l", "1"), now_ms=NOW_MS)

    joined = store.read("s#s").joined
    assert store.read(joined.profile_id).recent == (seen(1),)
    assert [user for user in ("u#1", "u#2") if store.sessions_of(user)] == [joined.profile_id]


def test_session_of_an_erased_user_keeps_only_later_interactions(store):
    store.add("s#s", [seen(1), seen(9)], now_ms=NOW_MS)

    store.join_erased("s", Login(5000, "l", "1"), erasure_id="x", now_ms=NOW_MS)
    store.add("s#s", [seen(2)], now_ms=NOW_MS)

    keys = [key for _, key in store.keys("s#s")]
    assert keys == ["000000000009000#e9", "~joined"]
    assert list(store.sessions_of(SessionLink.erased_profile_id("x"))) == ["s#s"]
    assert store.read("u#1") == Profile("u#1")


def test_overwrite_replaces_interactions_and_the_login_mark(store, other):
    other.add("s#s", [seen(1), seen(2), seen(9)], now_ms=NOW_MS)
    other.join("s", Login(1000, "l", "1"), now_ms=NOW_MS)
    wanted = Profile("s#s", (seen(7), seen(9)), joined=SessionLink("u#2", 2000))

    store.overwrite(wanted, now_ms=NOW_MS)

    assert store.read("s#s") == wanted
    assert (store.sessions_of("u#1"), list(store.sessions_of("u#2"))) == ({}, ["s#s"])
    assert [key for _, key in store.keys("s#s")] == ["000000000007000#e7", "000000000009000#e9", "~joined"]

    store.overwrite(Profile("s#s"), now_ms=NOW_MS)
    assert store.keys("s#s") == []


def test_cache_keeps_recently_used_values_within_its_size():
    cache = BoundedCache[str, int](10)

    cache.put("a", 1, size_bytes=4)
    cache.put("b", 2, size_bytes=4)
    cache.get("a")
    cache.put("c", 3, size_bytes=4)
    cache.put("too large", 4, size_bytes=11)

    assert [cache.get(key) for key in ("a", "b", "c", "too large")] == [1, None, 3, None]


def test_cache_counts_a_replaced_value_once():
    cache = BoundedCache[str, int](10)

    for value in range(5):
        cache.put("a", value, size_bytes=6)
    cache.forget("a")
    cache.put("b", 1, size_bytes=10)

    assert (cache.get("a"), cache.get("b")) == (None, 1)
