import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from alsolike.events.interactions import profile_id
from alsolike.privacy.tombstones import add_tombstone
from alsolike.profiles.export_state import ExportState, ExportStates
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.user_export import UserData, UserDataStores
from alsolike.records.served_response import SERVED_COLUMNS
from alsolike.runtime.errors import InvalidInput, Unavailable
from functions.archive_served.service import to_parquet
from tests.builders.lake_files import OLD_SCHEMA
from tests.builders.lambda_events import NOW_MS, interaction
from tests.builders.served_rows import served
from tests.builders.stores import PLACES, PSEUDONYMS, Stores


@pytest.fixture
def stores(aws):
    return Stores.create(aws)


def user_data(stores, on_object=lambda: None):
    places = UserDataStores(PLACES.lake_bucket, PLACES.artefact_bucket, PLACES.profiles_table, PLACES.users_table)
    return UserData(stores.s3, stores.dynamodb, places, PSEUDONYMS, pd, pq, on_object=on_object)


def document(stores, user):
    return json.loads(b"".join(user_data(stores).document(user)))


def events(stores, user):
    return [row["event_id"] for row in document(stores, user)["interactions"]]


def test_state_of_an_export_is_not_restored_after_an_erasure(stores):
    states = ExportStates(stores.dynamodb, PLACES.profiles_table)

    with pytest.raises(InvalidInput, match="with the user's erasure"):
        states.write("partition", "erased", ExportState({}, expires_s=1))


@pytest.mark.parametrize("session", ["s", None])
def test_event_in_two_objects_is_exported_once(session, stores):
    one, other = (interaction(event, user_id="ann", session_id=session) for event in "ab")
    stores.put_rows("raw", one, other)
    stores.put_rows("merged", one, interaction("c", user_id="bob"))

    assert events(stores, "ann") == ["a", "b"]


def test_events_are_sorted_by_time(stores):
    for event, time_ms in (("late", 30), ("early", 10), ("b", 20), ("a", 20)):
        stores.put_rows(event, interaction(event, user_id="ann", event_time_ms=time_ms))

    assert events(stores, "ann") == ["early", "a", "b", "late"]


def test_session_events_before_the_first_login_belong_to_the_user(stores):
    stores.put_rows("browsed", interaction("1", user_id=None, session_id="s", event_time_ms=1))
    stores.put_rows("login", interaction("2", user_id="bob", session_id="s", event_time_ms=2))
    stores.put_rows("after", interaction("3", user_id=None, session_id="s", event_time_ms=3))
    stores.put_rows("later", interaction("4", user_id="ann", session_id="s", event_time_ms=4))

    assert events(stores, "bob") == ["1", "2"]
    assert events(stores, "ann") == ["4"]


def test_column_missing_in_older_objects_is_null(stores):
    stores.put_rows("old", interaction("a", user_id="ann"), schema=OLD_SCHEMA)

    assert [row["query"] for row in document(stores, "ann")["interactions"]] == [None]


def test_recommendations_are_exported_once_for_sessions_until_the_login(stores):
    ann, bob, visit = map(PSEUDONYMS.shopper, ("ann", "bob", "visit"))
    stores.put_rows("login", interaction("1", user_id="ann", session_id="visit", event_time_ms=NOW_MS))
    late = served(shopper=ann, served_ms=NOW_MS + 9)
    early = served(shopper=None, session=visit, served_ms=NOW_MS - 5)
    by_one_id = served(shopper=visit, served_ms=NOW_MS - 4)
    after = served(shopper=None, session=visit, served_ms=NOW_MS + 5)
    day = "served/served_date=2023-11-14/"
    others = [served(shopper=bob), served(shopper=None)]
    stores.put(f"{day}a.parquet", to_parquet([late, early, by_one_id, after, *others]))
    stores.put(f"{day}b.parquet", to_parquet([late]))

    found = document(stores, "ann")["recommendations"]

    assert [row["recommendation_id"] for row in found] == [each.recommendation_id for each in (early, by_one_id, late)]
    assert found[0].keys() == set(SERVED_COLUMNS)
    assert found[0]["item_ids"] == list(early.item_ids)
    assert document(stores, "eve")["recommendations"] == []


def test_recommendations_of_others_in_a_shared_session_are_not_exported(stores):
    ann, bob, visit = map(PSEUDONYMS.shopper, ("ann", "bob", "visit"))
    for user, at_ms in (("ann", NOW_MS), ("bob", NOW_MS + 9)):
        login = interaction(user, user_id=user, session_id="visit", event_time_ms=at_ms, received_time_ms=at_ms)
        stores.put_rows(user, login)
    anonymous = served(shopper=None, session=visit, served_ms=NOW_MS - 5)
    ann_response = served(shopper=ann, session=visit, served_ms=NOW_MS + 5)
    between = served(shopper=None, session=visit, served_ms=NOW_MS + 6)
    bob_response = served(shopper=bob, session=visit, served_ms=NOW_MS + 10)
    stores.put("served/served_date=2023-11-14/a.parquet", to_parquet([anonymous, ann_response, between, bob_response]))

    def shown(user):
        return [row["recommendation_id"] for row in document(stores, user)["recommendations"]]

    assert shown("ann") == [anonymous.recommendation_id, ann_response.recommendation_id]
    assert shown("bob") == [bob_response.recommendation_id]


def test_responses_before_a_login_are_matched_by_the_server_time(stores):
    """The device's clock dates the login ten seconds too early."""
    login = interaction("1", user_id="ann", session_id="visit", event_time_ms=NOW_MS - 10_000, received_time_ms=NOW_MS)
    stores.put_rows("login", login)
    row = served(shopper=None, session=PSEUDONYMS.shopper("visit"), served_ms=NOW_MS - 5)
    stores.put("served/served_date=2023-11-14/a.parquet", to_parquet([row]))

    assert [each["recommendation_id"] for each in document(stores, "ann")["recommendations"]] == [row.recommendation_id]


def test_live_profile_is_exported(stores):
    recent = RecentInteraction(NOW_MS, "a", "pear", "view", '{"device":"phone"}')
    stores.profiles.add(profile_id(user_id="ann", session_id=None), [recent], now_ms=NOW_MS)

    assert document(stores, "ann")["profile"] == {"erased": False, "recent": [recent._asdict()]}
    assert document(stores, "bob")["profile"] is None


def test_deleted_user_row_is_not_exported(stores):
    item = {"user_id": {"S": "ann"}, "deleted": {"BOOL": True}, "updated_at_ms": {"N": "1"}}
    stores.dynamodb.put_item(TableName=PLACES.users_table, Item=item)

    assert document(stores, "ann")["user"] is None


def test_quarantined_record_is_exported_with_its_reason_or_raw(stores):
    stores.quarantine("1", b'{"user_id":"ann","item')
    stores.quarantine("2", b'{"user_id":"bob"}')
    stores.quarantine("undecided", b'{"item_id":"pear","us')
    stores.put("quarantine/dt=2026-09-21/3.json", b"torn: ann")
    stores.put("quarantine/dt=2026-09-21/4.json", b"torn: bob")

    assert document(stores, "ann")["quarantine"] == [
        {"key": "quarantine/dt=2026-09-21/1.json", "reason": "bad", "record": '{"user_id":"ann","item'},
        {"key": "quarantine/dt=2026-09-21/3.json", "record": "torn: ann"},
    ]


def test_receipt_is_found_by_the_user_id(stores):
    erasure = stores.request_erasure("ann")

    assert document(stores, "ann")["erasure"]["erasure_id"] == erasure
    assert document(stores, "bob")["erasure"] is None


def test_tombstone_without_a_receipt_is_not_exported(stores):
    add_tombstone(stores.s3, PLACES.artefact_bucket, PSEUDONYMS.erased_user("ann"), now_ms=1)

    assert document(stores, "ann")["erasure"] is None


class StoppedError(Exception):
    """Error of a reader without remaining time."""


def test_document_calls_its_callback_per_read_and_can_be_stopped(stores):
    stores.put_rows("one", interaction("a", user_id="bob"))
    stores.quarantine("1", b"?")
    calls: list[None] = []

    b"".join(user_data(stores, lambda: calls.append(None)).document("ann"))

    assert len(calls) == 3  # The calls read a page of profiles, an object of the lake and an object of quarantine.

    def stop():
        raise StoppedError

    with pytest.raises(StoppedError):
        b"".join(user_data(stores, stop).document("ann"))


@pytest.mark.parametrize("table", [PLACES.profiles_table, PLACES.users_table])
def test_missing_table_raises_unavailable(table, stores):
    stores.dynamodb.delete_table(TableName=table)

    with pytest.raises(Unavailable, match=table):
        document(stores, "ann")


def test_missing_bucket_raises_unavailable(stores):
    places = UserDataStores("absent", PLACES.artefact_bucket, PLACES.profiles_table, PLACES.users_table)
    data = UserData(stores.s3, stores.dynamodb, places, PSEUDONYMS, pd, pq)

    with pytest.raises(Unavailable, match="absent"):
        b"".join(data.document("ann"))
