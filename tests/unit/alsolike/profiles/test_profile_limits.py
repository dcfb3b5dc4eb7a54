"""Limits of a profile to the byte and to the second, and the requests that its store makes."""

from __future__ import annotations

from typing import Any

import pytest

from alsolike.domain.configuration import HISTORY_LENGTH
from alsolike.profiles.profile import MAX_BYTES, Profile, RecentInteraction, SessionLink, from_item, pack, to_item
from alsolike.profiles.store import ProfileStore

NOW_MS = 1_700_000_000_999


def seen(second: int, *, item_id: str = "i") -> RecentInteraction:
    return RecentInteraction(second * 1000, f"e{second}", item_id, "view")


def exactly(size_bytes: int) -> list[RecentInteraction]:
    """Return more interactions than a history has that pack into so many bytes, the latest of them large."""
    small = [seen(second) for second in range(100, 100 + HISTORY_LENGTH)]
    large = seen(900)
    return [*small, large._replace(item_id="i" * (size_bytes - len(pack([*small, large])) + 1))]


@pytest.mark.parametrize(("surplus_bytes", "older", "kept"), [(0, 0, 101), (0, 1, 101), (0, 60, 101), (1, 0, 100)])
def test_a_profile_keeps_the_latest_that_fit_to_the_byte(surplus_bytes: int, older: int, kept: int) -> None:
    batch = exactly(MAX_BYTES + surplus_bytes)

    recent = Profile("u#1").merge([*map(seen, range(older)), *batch], length=1_000).recent

    assert MAX_BYTES == 350_000
    assert recent == tuple(batch[-kept:])


def test_a_session_keeps_only_what_happened_after_its_login() -> None:
    users, sessions = SessionLink("u#1", 2_000).split([seen(1), seen(2), seen(3)])

    assert (users, sessions) == ([seen(1), seen(2)], [seen(3)])


def test_an_item_has_the_next_revision_and_reads_as_the_profile() -> None:
    profile = Profile("s#1", (seen(1),), revision=4, joined=SessionLink("u#1", 2_000))

    item = to_item(profile, expires_s=5)

    assert item["revision"] == {"N": "5"}
    assert from_item("s#1", item) == Profile("s#1", (seen(1),), revision=5, joined=SessionLink("u#1", 2_000))


def test_an_item_without_revision_reads_as_one_that_is_not_stored() -> None:
    assert from_item("u#1", {"recent": {"B": pack([seen(1)])}}) == Profile("u#1", (seen(1),), revision=0)


class Requests:
    """DynamoDB client that records its requests; no profile is stored."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    def _made(self, **request: Any) -> dict[str, Any]:
        self.made.append(request)
        return {}

    get_item = put_item = update_item = _made

    class exceptions:  # noqa: N801 - as boto3 has it
        class ConditionalCheckFailedException(Exception):
            pass


def test_reads_are_eventually_consistent_and_those_before_a_write_consistent() -> None:
    client: Any = Requests()
    store = ProfileStore(client, "profiles")

    store.read("u#1")
    store.add("u#1", [seen(1)], now_ms=NOW_MS)

    assert [request["ConsistentRead"] for request in client.made[:2]] == [False, True]


def test_profiles_and_erased_ones_expire_after_400_days() -> None:
    client: Any = Requests()
    store = ProfileStore(client, "profiles")

    store.create("u#1", [seen(1)], now_ms=NOW_MS)
    store.erase("u#1", now_ms=NOW_MS)

    written, erased = client.made
    expires = {"N": str(1_700_000_000 + 400 * 86_400)}
    assert written["Item"]["expires_at"] == erased["ExpressionAttributeValues"][":expires"] == expires


def test_overwriting_begins_as_if_nothing_were_stored() -> None:
    client: Any = Requests()

    ProfileStore(client, "profiles").overwrite(Profile("u#1", (seen(1),), revision=7), now_ms=NOW_MS)

    (written,) = client.made
    assert written["ConditionExpression"] == "attribute_not_exists(profile_id)"
    assert written["Item"]["revision"] == {"N": "1"}


def test_a_store_remembers_nothing_by_default() -> None:
    client: Any = Requests()
    store = ProfileStore(client, "profiles")

    store.add("u#1", [seen(1)], now_ms=NOW_MS)
    store.add("u#1", [seen(1)], now_ms=NOW_MS)

    assert ["Item" in request for request in client.made] == [False, True, False, True]
