"""Batches of the stream write each event to the profiles once."""

import dataclasses

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT, HISTORY_LENGTH
from alsolike.events.action_events import ActionEvent, action_properties
from alsolike.events.interactions import ACTION_TAKEN, ACTION_VIEWED, MAX_TIME_MS
from alsolike.events.stream_records import stream_records
from alsolike.profiles.profile_table import ProfileStore
from functions.update_profiles.service import UpdateResult, update_profiles
from tests.builders.configurations import RATING, Applied, with_clock_skew
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event, sequence
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


def test_late_and_unordered_events_are_sorted_by_time():
    store = MemoryStore()
    day_ms = 86_400_000

    update(store, [at(9, "e1", "plum", user="anna"), at(2, "e2", "fig", user="anna")])
    update(store, [dataclasses.replace(at(0, "e3", "kiwi", user="anna"), event_time_ms=NOW_MS - 3 * day_ms)])

    assert store.items("u#anna") == ["kiwi", "fig", "plum"]


def test_new_event_type_is_found_with_one_configuration_check_per_batch():
    store, configurations = MemoryStore(), Applied(DEFAULT, RATING)
    batch = [interaction(f"e{n}", event_type=kind) for n, kind in enumerate(["rating", "rating", "nod", "shrug"])]

    outcome = update(store, batch, configurations=configurations)

    assert [entry.event_type for entry in store.profiles["u#anna"].recent] == ["rating", "rating"]
    assert (outcome.interactions, outcome.unreadable, configurations.looks) == (2, 2, 1)


def test_future_events_are_accepted_up_to_the_configured_clock_skew():
    ahead = interaction("e1", event_time_ms=NOW_MS + 400_000)
    patient, strict = MemoryStore(), MemoryStore()

    update(patient, [ahead], configurations=Applied(with_clock_skew(500)))
    update(strict, [ahead], configurations=Applied(with_clock_skew(399)))

    assert patient.items("u#anna") == ["pear"]
    assert strict.profiles == {}


def test_unreadable_record_is_skipped_and_other_records_count():
    store = MemoryStore()

    outcome = update(store, [interaction("e1", item_id="pear"), b"\x00poison", interaction("e2", item_id="plum")])

    assert store.items("u#anna") == ["pear", "plum"]
    assert outcome == UpdateResult(profiles=1, interactions=2, unreadable=1)


def test_future_record_is_not_stored_in_a_profile():
    store = MemoryStore()
    year_9999 = interaction("e1", event_time_ms=MAX_TIME_MS, received_time_ms=MAX_TIME_MS)

    outcome = update(store, [year_9999, interaction("e2", item_id="plum")])

    assert store.items("u#anna") == ["plum"]
    assert outcome.unreadable == 1


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


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(INTERACTIONS))))
def test_stored_profile_is_the_same_after_any_redelivery(order, aws, profiles_table):
    store = ProfileStore(aws("dynamodb"), profiles_table)

    update(store, INTERACTIONS)
    expected = store.read("u#user0")
    update(store, [INTERACTIONS[index] for index in order])

    assert store.read("u#user0") == expected
    assert [entry.event_id for entry in expected.recent] == ["e4", "e8", "e2", "e6", "e0", "e10"]


def test_profile_returns_the_latest_interactions():
    store = MemoryStore()

    update(store, [interaction(f"e{n:03}", item_id=f"i{n}", event_time_ms=NOW_MS - n) for n in range(150)])

    assert store.items("u#anna", length=HISTORY_LENGTH) == [f"i{n}" for n in reversed(range(HISTORY_LENGTH))]


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
