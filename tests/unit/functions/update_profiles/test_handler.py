import json

import pytest

from alsolike.profiles.impressions import ImpressionStore
from alsolike.profiles.profile_table import ProfileStore
from functions.update_profiles import handler
from tests.builders.lambda_events import LambdaContext, interaction, kinesis_event, sequence


@pytest.fixture
def invoke(profiles_table, artefact_bucket, set_variables):
    set_variables(PROFILES_TABLE=profiles_table, ARTEFACT_BUCKET=artefact_bucket, SECRET_ARN="the-key")
    return lambda event: handler.lambda_handler(event, LambdaContext())


def test_batch_is_written_to_profiles_without_failures(invoke, aws, profiles_table, counted):
    answer = invoke(kinesis_event([interaction("e1"), b"poison", interaction("e2", user_id="ben")]))

    assert answer == {"batchItemFailures": []}
    store = ProfileStore(aws("dynamodb"), profiles_table)
    assert [entry.event_id for entry in store.read("u#anna").recent] == ["e1"]
    assert [entry.event_id for entry in store.read("u#ben").recent] == ["e2"]
    assert counted() == {"ProfilesUpdated": 2, "InteractionsApplied": 2, "RecordsUnreadable": 1}


def test_table_failure_returns_the_batch_from_its_first_valid_record(invoke, aws, profiles_table, logged):
    aws("dynamodb").delete_table(TableName=profiles_table)

    answer = invoke(kinesis_event([b"poison", interaction("e1", correlation_id="order-17"), interaction("e2")]))

    assert answer == {"batchItemFailures": [{"itemIdentifier": sequence(1)}]}
    assert '"correlation_ids":["order-17"]' in logged()


def test_records_of_erased_users_create_no_profile_and_mark_sessions(invoke, aws, profiles_table, erase, counted):
    erase("anna")

    answer = invoke(kinesis_event([interaction("e1"), interaction("e2", user_id="ben", session_id="s2")]))

    assert answer == {"batchItemFailures": []}
    items = aws("dynamodb").scan(TableName=profiles_table)["Items"]
    (marked,) = (item for item in items if item["profile_id"]["S"] == "s#s1")
    assert {item["profile_id"]["S"] for item in items} == {marked["joined_profile"]["S"], "s#s1", "s#s2", "u#ben"}
    assert "anna" not in str(items)
    assert marked["joined_profile"]["S"].startswith("e#")
    found = ProfileStore(aws("dynamodb"), profiles_table).sessions_of(marked["joined_profile"]["S"])
    assert list(found) == ["s#s1"]  # The purge finds the session by the ID of the erasure.
    assert counted()["EventsOfErasedUsers"] == 1


def test_refused_logins_of_an_erased_user_mark_their_sessions(invoke, aws, profiles_table, erase):
    erase("anna")
    refused = [
        {"user_id": "anna", "session_id": "s9", "event_time_ms": True},
        {"user_id": "anna", "session_id": "s" * 3_000, "event_time_ms": 5},
        {"user_id": "ben", "session_id": "s8", "event_time_ms": 5},
    ]

    answer = invoke(kinesis_event([json.dumps(each).encode() for each in refused]))

    assert answer == {"batchItemFailures": []}
    items = aws("dynamodb").scan(TableName=profiles_table)["Items"]
    assert [name for item in items if (name := item["profile_id"]["S"]).startswith("s#")] == ["s#s9"]


def test_impressions_of_events_are_stored_only_with_fatigue(invoke, aws, profiles_table, pseudonyms, configure):
    store = ImpressionStore(aws("dynamodb"), profiles_table)
    event = interaction("e1", user_id="anna", impression=("fig", "pear"), recommendation_id="r1")
    anonymous = interaction("e2", user_id=None, session_id="visit", impression=("kiwi",))
    invoke(kinesis_event([event]))
    assert store.read(pseudonyms.shopper("anna"), since_ms=0) == []

    handler._sources.cache_clear()
    fatigue = {"strength": 0.5, "half_life_hours": 24}
    configure({"recommenders": {"for-you": {"fatigue": fatigue}}})
    invoke(kinesis_event([event, anonymous, event, interaction("e3", user_id="anna")]))

    (user_list,) = store.read(pseudonyms.shopper("anna"), since_ms=0)
    assert (user_list.list_id, user_list.time_ms, user_list.item_ids) == ("r1", event.event_time_ms, ["fig", "pear"])
    (session_list,) = store.read(pseudonyms.shopper("visit"), since_ms=0)
    assert (session_list.list_id, session_list.item_ids) == ("e2", ["kiwi"])
