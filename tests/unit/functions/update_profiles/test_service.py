"""Batches of the stream write each event to the profiles once."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.events.action_events import ActionEvent, action_properties
from alsolike.events.interactions import ACTION_TAKEN, ACTION_VIEWED
from alsolike.events.stream_records import stream_records
from alsolike.profiles.impressions import ImpressionStore
from alsolike.profiles.profile_table import ProfileStore
from functions.update_profiles import handler
from functions.update_profiles.service import UpdateResult, update_profiles
from tests.builders.configurations import Applied
from tests.builders.lambda_events import NOW_MS, LambdaContext, interaction, kinesis_event, sequence
from tests.unit.functions.update_profiles.memory import MemoryStore, at, update


def test_batch_is_written_in_calls_of_25_interactions_without_reads():
    store = MemoryStore()

    outcome = update(store, [interaction(f"e{n}", user_id=f"user{n % 2}", session_id=None) for n in range(60)])

    assert store.client.calls == ["batch_write_item"] * 3
    assert outcome == UpdateResult(profiles=2, interactions=60, unreadable=0)


def test_user_has_interactions_of_all_sessions_and_session_anonymous_ones():
    store = MemoryStore()

    update(
        store,
        [
            interaction("e1", user_id=None, session_id="s1", item_id="fig"),
            interaction("e2", user_id="anna", session_id="s2", item_id="pear"),
            interaction("e3", user_id="anna", session_id="s3", item_id="plum"),
        ],
    )

    assert store.items("u#anna") == ["pear", "plum"]
    assert store.items("s#s1") == ["fig"]


def test_search_is_not_in_a_profile_but_logs_in():
    store = MemoryStore()
    search = interaction("e2", user_id="anna", session_id="s1", item_id=None, query="figs", event_type="search")

    update(store, [at(-1, "e1", "fig"), search])
    outcome = update(store, [dataclasses.replace(search, event_id="e3", user_id=None)])

    assert store.items("u#anna") == ["fig"]
    assert outcome == UpdateResult(profiles=0, interactions=0, unreadable=0)


def test_unreadable_record_is_skipped_and_other_records_count():
    store = MemoryStore()

    outcome = update(store, [interaction("e1", item_id="pear"), b"\x00poison", interaction("e2", item_id="plum")])

    assert store.items("u#anna") == ["pear", "plum"]
    assert outcome == UpdateResult(profiles=1, interactions=2, unreadable=1)


def test_failing_profile_returns_its_first_record_and_others_are_applied():
    store = MemoryStore(failing=["u#ben", "u#cleo"])
    users = ["anna", "ben", "anna", "cleo", "ben", "dora"]

    outcome = update(store, [interaction(f"e{n}", user_id=user) for n, user in enumerate(users)], first=99)

    assert outcome.failed_sequence == sequence(100)
    assert outcome.failures == (f"profile table {store.table}: nothing was written 8 times in a row",) * 2
    assert (outcome.profiles, outcome.interactions) == (2, 3)
    assert store.contents().keys() == {"u#anna", "u#dora"}


def test_sequence_numbers_are_compared_as_integers():
    store = MemoryStore(failing=["u#anna", "u#ben"])
    event = kinesis_event([interaction("e1", user_id="ben"), interaction("e2", user_id="anna")])
    event["Records"][0]["kinesis"]["sequenceNumber"] = "9"
    event["Records"][1]["kinesis"]["sequenceNumber"] = "10"

    outcome = update_profiles(stream_records(event), store=store, configurations=Applied(), now_ms=NOW_MS)

    assert outcome.failed_sequence == "9"


INTERACTIONS = [
    interaction(f"e{n}", user_id=f"user{n % 2}", item_id=f"i{n % 7}", event_time_ms=NOW_MS - 1000 * (n % 5))
    for n in range(12)
]


@given(
    deliveries=st.lists(st.lists(st.integers(0, len(INTERACTIONS) - 1), min_size=1, max_size=8), max_size=6),
    order=st.permutations(range(len(INTERACTIONS))),
)
def test_profiles_do_not_depend_on_batching_order_or_repetition(deliveries, order):
    straight, tangled = MemoryStore(), MemoryStore()

    update(straight, INTERACTIONS)
    for delivery in [*deliveries, order]:
        update(tangled, [INTERACTIONS[index] for index in delivery])

    assert tangled.contents() == straight.contents()


def test_action_interactions_are_stored_next_to_item_interactions():
    store = MemoryStore()
    shown = action_properties("app", ["app", "mail"])
    taken = interaction("e1", item_id=None, event_type=ACTION_TAKEN, properties=shown)
    viewed = interaction("e2", item_id=None, event_type=ACTION_VIEWED, properties=action_properties("app"))
    earlier = dataclasses.replace(viewed, event_time_ms=taken.event_time_ms - 1)
    anonymous = dataclasses.replace(taken, event_id="e3", user_id=None)

    for _ in range(2):
        update(store, [taken, earlier, anonymous, interaction("e4", item_id="fig")])

    assert store.read_actions("u#anna") == [
        ActionEvent(taken.event_time_ms - 1, "app", ACTION_VIEWED),
        ActionEvent(taken.event_time_ms, "app", ACTION_TAKEN),
        ActionEvent(taken.event_time_ms, "mail", ACTION_VIEWED),
    ]
    assert store.read_actions("u#anna", length=1) == store.read_actions("u#anna")[1:]
    assert store.items("u#anna") == ["fig"]
    assert store.read_actions("s#s1") == []


def test_failed_action_interaction_is_returned_for_retry():
    store = MemoryStore(failing=["u#anna"])
    taken = interaction("e1", item_id=None, event_type=ACTION_TAKEN, properties=action_properties("app"))

    outcome = update(store, [taken])

    assert outcome.failed_sequence == sequence(0)


def test_erased_profile_has_no_actions_and_keeps_their_keys():
    store = MemoryStore()
    update(store, [interaction("e1", item_id=None, event_type=ACTION_TAKEN, properties=action_properties("app"))])

    store.erase("u#anna", now_ms=NOW_MS)

    assert store.read_actions("u#anna") == []
    assert [key[1][0] for key in store.keys("u#anna")] == ["!", "&", "~"]


@pytest.fixture
def invoke(profiles_table, artefact_bucket):
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
