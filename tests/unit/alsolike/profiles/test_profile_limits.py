import json
import threading
from typing import Any

import pytest

from alsolike.events.context import MAX_CHARACTERS, context_of
from alsolike.events.logins import Login
from alsolike.profiles.profile import (
    RecentInteraction,
    from_items,
    history_item,
    to_item,
)
from alsolike.profiles.profile_table import ProfileStore
from tests.unit.alsolike.records import interaction

NOW_MS = 1_700_000_000_999
EXPIRES_S = 1_700_000_000 + 400 * 86_400


def seen(second, *, item_id="i"):
    return RecentInteraction(second * 1000, f"e{second}", item_id, "view")


def test_profile_keeps_the_context_of_an_interaction():
    anna = (seen(1)._replace(context='{"device":"phone"}'), seen(2))
    one_by_one = [to_item("u#1", interaction, expires_s=5) for interaction in anna[::-1]]
    together = history_item("u#1", anna, expires_s=5)

    assert from_items("u#1", one_by_one).recent == from_items("u#1", [together]).recent == anna
    assert "context" not in one_by_one[0]
    assert '"view"],' not in together["history"]["S"]
    assert together["history"]["S"].endswith('"view"]]')


def test_interaction_with_the_longest_context_fits_in_one_write_unit():
    columns = [f"c{number}".ljust(63, "x") for number in range(5)]
    context = context_of(json.dumps(dict.fromkeys(columns, "x" * MAX_CHARACTERS)), columns)
    interaction = RecentInteraction(1_700_000_000_000, "e" * 80, "i" * 80, "purchase", context)

    item = to_item(f"u#{'u' * 80}", interaction, expires_s=EXPIRES_S)

    assert sum(len(name) + len(next(iter(value.values()))) for name, value in item.items()) <= 1024


class Requests:
    def __init__(self):
        self.made = []

    def _made(self, **request):
        self.made.append(request)
        return {"Items": [], "Responses": {}}

    query = batch_get_item = batch_write_item = put_item = _made

    def written(self):
        batches = [request["RequestItems"]["profiles"] for request in self.made if "RequestItems" in request]
        puts = [request["Item"] for request in self.made if "Item" in request]
        return puts + [each["PutRequest"]["Item"] for some in batches if "Keys" not in some for each in some]


def test_profile_reads_are_eventually_and_link_reads_strongly_consistent():
    client: Any = Requests()
    store = ProfileStore(client, "profiles")

    store.read("u#1")
    store.read_actions("u#1")
    store.add("s#1", [seen(1)], now_ms=NOW_MS)

    *queries, _, links = client.made
    assert [query["ConsistentRead"] for query in queries] == [False, False, False]
    assert links["RequestItems"]["profiles"]["ConsistentRead"] is True


def test_items_to_remove_are_read_with_strong_consistency():
    client: Any = Requests()

    ProfileStore(client, "profiles").remove("u#1", {"e1"})

    assert [query["ConsistentRead"] for query in client.made] == [True]


def test_latest_200_actions_are_read_by_default():
    client: Any = Requests()

    ProfileStore(client, "profiles").read_actions("u#1")

    assert client.made[-1]["Limit"] == 200


HISTORIES = {f"u#{number}": [seen(1)] for number in range(26)}


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.add_many(HISTORIES, now_ms=NOW_MS),
        lambda store: store.add_histories(HISTORIES, now_ms=NOW_MS),
        lambda store: store.add_actions([interaction(user_id=user_id) for user_id in HISTORIES], now_ms=NOW_MS),
    ],
)
def test_two_batches_are_written_concurrently(write):
    client: Any = Requests()
    both = threading.Barrier(2)
    client.batch_write_item = lambda **_: {"waited": both.wait(timeout=5)}

    assert write(ProfileStore(client, "profiles")) == {}


def test_user_interactions_are_written_without_reads():
    client: Any = Requests()

    ProfileStore(client, "profiles").add("u#1", [seen(1)], now_ms=NOW_MS)

    assert [request.keys() for request in client.made] == [{"RequestItems"}]


def test_items_of_a_profile_expire_after_their_retention():
    client: Any = Requests()
    store = ProfileStore(client, "profiles")

    store.add_many({"u#1": [seen(1)], "s#2": [seen(1)]}, now_ms=NOW_MS)
    store.erase("u#2", now_ms=NOW_MS)
    store.join("1", Login(5, "l", "3"), now_ms=NOW_MS)

    expires = {
        (item["profile_id"]["S"], item["sort_key"]["S"]): int(item["expires_at"]["N"]) for item in client.written()
    }
    assert expires == {
        ("u#1", "000000000001000#e1"): EXPIRES_S,
        ("s#2", "000000000001000#e1"): EXPIRES_S - 310 * 86_400,
        ("u#2", "~erased"): EXPIRES_S,
        ("s#1", "~joined"): EXPIRES_S,
        ("u#3", "!s#1"): EXPIRES_S + 30 * 86_400,
    }


def test_store_caches_no_sessions_by_default():
    client: Any = Requests()
    store = ProfileStore(client, "profiles")

    for _ in range(2):
        store.join("1", Login(5, "l", "3"), now_ms=NOW_MS)

    assert len(client.made) % 2 == 0
    assert client.made[: len(client.made) // 2] == client.made[len(client.made) // 2 :]
