"""Logins of sessions move the history to the user, for any order of events."""

import dataclasses
import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT, Limits
from alsolike.events.logins import first_logins
from alsolike.profiles.profile import Profile, recent
from alsolike.profiles.profile_table import ProfileStore
from tests.builders.configurations import Applied
from tests.builders.lambda_events import NOW_MS, interaction, sequence
from tests.fakes.places import create_profiles_table
from tests.unit.alsolike.records import owner
from tests.unit.functions.update_profiles.memory import MemoryStore, at, update


def test_session_that_logs_in_moves_its_history_to_the_user_once():
    store = MemoryStore()

    update(store, [at(1, "e1", "fig"), at(2, "e2", "pear")])
    update(store, [at(3, "e3", "plum", user="anna")])
    update(store, [at(4, "e4", "kiwi")])
    update(store, [at(5, "e5", "lime", user="ben"), at(6, "e6", "date", user="anna")])

    assert store.items("u#anna") == ["fig", "pear", "plum", "date"]
    assert store.items("u#ben") == ["lime"]
    assert store.items("s#s1") == ["kiwi"]


def test_late_session_event_is_assigned_by_its_time():
    store = MemoryStore()

    update(store, [at(3, "e3", "plum", user="anna")])
    update(store, [at(4, "e4", "kiwi"), at(1, "e1", "fig"), at(3, "e2", "pear")])

    assert store.items("u#anna") == ["fig", "pear", "plum"]
    assert store.items("s#s1") == ["kiwi"]


def test_session_of_an_erased_user_is_not_joined_to_another_user():
    store = MemoryStore()
    update(store, [at(1, "e1", "fig")])

    def erased(user_id, session_id=None):
        return user_id is None and session_id == "s1"

    update(store, [at(2, "e2", "pear", user="ben")], erased=erased)

    assert store.items("u#ben") == ["pear"]


def test_failed_session_join_returns_the_login_record():
    store = MemoryStore(failing=["s#s1"])

    outcome = update(store, [at(1, "e1", "fig", user="ben"), at(2, "e2", "pear", user="anna")], first=5)

    assert outcome.failed_sequence == sequence(5)
    assert store.items("u#anna") == ["pear"]  # The second login of the session has no effect.


ANONYMOUS = [at(second, f"a{second}", f"i{second}") for second in range(1, 7)]
LOGIN = at(3, "a35", "login", user="anna")
OTHERS = [at(4, "o1", "other", user="ben"), at(7, "o2", "again", user="anna"), at(5, "o3", "pear", user="anna")]


def expected_profiles(events):
    """Return the profiles that the rule for owners gives for all events."""
    logins = first_logins(events)
    found: dict[str, Profile] = {}
    for event in events:
        owned = owner(event, logins.get(event.session_id))
        found[owned] = found.get(owned, Profile(owned)).merge([recent(event)])
    return {key: profile.recent for key, profile in found.items()}


@st.composite
def deliveries(draw):
    """Draw batches of a session's events in random order, with random sizes and repetitions.

    `LOGIN`, the first login by time, is delivered before all other logins.
    """
    pool = [*ANONYMOUS, LOGIN, *OTHERS]
    order = draw(st.permutations([*pool, *draw(st.lists(st.sampled_from(pool), max_size=6))]))
    late = [event for event in OTHERS if event in order]
    first = next(place for place, event in enumerate(order) if event == LOGIN)
    before = [event for event in order[:first] if event not in OTHERS]
    order = [*before, *order[first:], *late]
    cuts = sorted(draw(st.lists(st.integers(1, len(order)), max_size=5)))
    return [order[start:end] for start, end in itertools.pairwise([0, *cuts, len(order)]) if start < end]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=deliveries(), remembers=st.lists(st.booleans(), min_size=1, max_size=3))
def test_session_joins_its_user_in_any_order_with_several_processes(batches, remembers, aws):
    dynamodb = aws("dynamodb")
    table = create_profiles_table(dynamodb, f"profiles-{len(dynamodb.list_tables()['TableNames'])}")
    processes = [ProfileStore(dynamodb, table, remember_bytes=100_000 * remembering) for remembering in remembers]

    for number, batch in enumerate(batches):
        update(processes[number % len(processes)], batch)

    expected = expected_profiles([*ANONYMOUS, LOGIN, *OTHERS])
    assert {key: processes[0].read(key).recent for key in expected} == expected


def test_session_join_moves_up_to_the_configured_history_length():
    store = MemoryStore()
    long = Applied(dataclasses.replace(DEFAULT, limits=Limits(history_length=120)))
    browsed = [
        interaction(f"e{n:03}", user_id=None, session_id="s", item_id=f"i{n}", event_time_ms=NOW_MS - n)
        for n in range(150)
    ]
    update(store, browsed, configurations=long)

    login = interaction("login", user_id="anna", session_id="s", item_id="last", event_time_ms=NOW_MS + 1)
    update(store, [login], first=150, configurations=long)

    assert store.items("u#anna") == [*(f"i{n}" for n in reversed(range(120))), "last"]


def test_cached_session_does_not_restore_an_erased_user(aws):
    table = create_profiles_table(aws("dynamodb"), "profiles-of-erased")
    store = ProfileStore(aws("dynamodb"), table, remember_bytes=1_000_000)
    browsed = interaction("1", user_id=None, session_id="s", event_time_ms=NOW_MS - 3)
    late = interaction("2", user_id=None, session_id="s", event_time_ms=NOW_MS - 2)
    login = interaction("3", user_id="anna", session_id="s", event_time_ms=NOW_MS - 1)
    update(store, [browsed])
    update(store, [login], first=1)
    store.delete([*store.keys("u#anna"), *store.keys("s#s")])

    outcome = update(store, [late], first=2, erased=lambda user, session=None: user == "anna")

    assert outcome.failed_sequence is None
    assert aws("dynamodb").scan(TableName=table)["Items"] == []
