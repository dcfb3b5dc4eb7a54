import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alsolike.configuration import DEFAULT, HISTORY_LENGTH, Limits
from alsolike.errors import Unavailable
from alsolike.identity import first_logins, owner
from alsolike.interactions import MAX_TIME_MS, Interaction
from alsolike.profiles import Profile, ProfileStore, RecentInteraction, recent
from alsolike.stream import ConfigurationSource, stream_records
from alsolike.tombstones import Erased, nobody
from functions.update_profiles.service import Outcome, update_profiles
from tests.unit.functions.cloud import create_table
from tests.unit.functions.configurations import RATING, Applied, with_clock_skew
from tests.unit.functions.factories import NOW_MS, interaction, kinesis_event, sequence


class MemoryStore(ProfileStore):
    """Profiles in memory; those of `failing` cannot be reached."""

    def __init__(self, failing: Sequence[str] = ()) -> None:
        super().__init__(None, "memory")
        self.profiles: dict[str, Profile] = {}
        self.failing = failing
        self.written: list[str] = []

    def read(self, profile_id: str, *, consistent: bool = False) -> Profile:
        if profile_id in self.failing:
            raise Unavailable("profile table profiles: throttled")
        return self.profiles.get(profile_id, Profile(profile_id))

    def _replace(self, profile: Profile, *, now_ms: int) -> Profile | None:
        stored = self.read(profile.profile_id)
        if stored.revision != profile.revision:
            return stored
        self.profiles[profile.profile_id] = dataclasses.replace(profile, revision=profile.revision + 1)
        self.written.append(profile.profile_id)
        return None

    def contents(self) -> dict[str, tuple[RecentInteraction, ...]]:
        return {key: profile.recent for key, profile in self.profiles.items() if profile.recent}

    def items(self, profile_id: str) -> list[str]:
        return [entry.item_id for entry in self.profiles[profile_id].recent]


def update(
    store: ProfileStore,
    records: Sequence[Interaction | bytes],
    *,
    first: int = 0,
    configurations: ConfigurationSource | None = None,
    erased: Erased = nobody,
) -> Outcome:
    return update_profiles(
        stream_records(kinesis_event(records, first=first)),
        store=store,
        configurations=configurations or Applied(),
        now_ms=NOW_MS,
        erased=erased,
    )


def test_each_profile_is_written_once_a_batch() -> None:
    store = MemoryStore()

    outcome = update(store, [interaction(f"e{n}", user_id=f"user{n % 2}", session_id=None) for n in range(10)])

    assert sorted(store.written) == ["u#user0", "u#user1"]
    assert outcome == Outcome(profiles=2, interactions=10, unreadable=0)


def test_user_has_the_interactions_of_all_sessions_and_a_session_those_of_nobody() -> None:
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


def at(second: int, event_id: str, item_id: str, *, user: str | None = None) -> Interaction:
    time_ms = NOW_MS - 60_000 + 1000 * second
    return interaction(event_id, user_id=user, session_id="s1", item_id=item_id, event_time_ms=time_ms)


def test_session_that_logs_in_takes_its_history_to_the_user_once() -> None:
    store = MemoryStore()

    update(store, [at(1, "e1", "fig"), at(2, "e2", "pear")])
    update(store, [at(3, "e3", "plum", user="anna")])
    update(store, [at(4, "e4", "kiwi")])
    update(store, [at(5, "e5", "lime", user="ben"), at(6, "e6", "date", user="anna")])

    assert store.items("u#anna") == ["fig", "pear", "plum", "date"]
    assert store.items("u#ben") == ["lime"]
    assert store.items("s#s1") == ["kiwi"]


def test_session_event_that_comes_after_the_login_goes_where_its_time_says() -> None:
    store = MemoryStore()

    update(store, [at(3, "e3", "plum", user="anna")])
    update(store, [at(4, "e4", "kiwi"), at(1, "e1", "fig"), at(3, "e2", "pear")])

    assert store.items("u#anna") == ["fig", "pear", "plum"]
    assert store.items("s#s1") == ["kiwi"]


def test_search_is_in_no_profile_and_logs_in_all_the_same() -> None:
    store = MemoryStore()
    search = interaction("e2", user_id="anna", session_id="s1", item_id=None, query="figs", event_type="search")

    update(store, [at(-1, "e1", "fig"), search])
    outcome = update(store, [dataclasses.replace(search, event_id="e3", user_id=None)])

    assert store.items("u#anna") == ["fig"]
    assert outcome == Outcome(profiles=0, interactions=0, unreadable=0)


def test_failed_join_is_named_by_the_logins_record() -> None:
    store = MemoryStore(failing=["s#s1"])

    outcome = update(store, [at(1, "e1", "fig", user="ben"), at(2, "e2", "pear", user="anna")], first=5)

    assert outcome.failed_sequence == sequence(5)
    assert store.items("u#anna") == ["pear"]  # the second login of the session joins nothing


def test_late_and_tangled_events_take_their_own_place() -> None:
    store = MemoryStore()
    day_ms = 86_400_000

    update(store, [at(9, "e1", "plum", user="anna"), at(2, "e2", "fig", user="anna")])
    update(store, [dataclasses.replace(at(0, "e3", "kiwi", user="anna"), event_time_ms=NOW_MS - 3 * day_ms)])

    assert store.items("u#anna") == ["kiwi", "fig", "plum"]


def test_event_type_declared_a_moment_ago_is_found_with_one_look_a_batch() -> None:
    store, configurations = MemoryStore(), Applied(DEFAULT, RATING)
    batch = [interaction(f"e{n}", event_type=kind) for n, kind in enumerate(["rating", "rating", "nod", "shrug"])]

    outcome = update(store, batch, configurations=configurations)

    assert [entry.event_type for entry in store.profiles["u#anna"].recent] == ["rating", "rating"]
    assert (outcome.interactions, outcome.unreadable, configurations.looks) == (2, 2, 1)


def test_clock_may_be_ahead_of_the_arrival_by_what_is_configured() -> None:
    ahead = interaction("e1", event_time_ms=NOW_MS + 400_000)
    patient, strict = MemoryStore(), MemoryStore()

    update(patient, [ahead], configurations=Applied(with_clock_skew(500)))
    update(strict, [ahead], configurations=Applied(with_clock_skew(399)))

    assert patient.items("u#anna") == ["pear"]
    assert strict.profiles == {}


def test_unreadable_record_is_passed_over_and_its_neighbours_count() -> None:
    store = MemoryStore()

    outcome = update(store, [interaction("e1", item_id="pear"), b"\x00poison", interaction("e2", item_id="plum")])

    assert store.items("u#anna") == ["pear", "plum"]
    assert outcome == Outcome(profiles=1, interactions=2, unreadable=1)


def test_record_of_a_clock_that_is_ahead_never_becomes_the_newest_of_a_profile() -> None:
    store = MemoryStore()
    year_9999 = interaction("e1", event_time_ms=MAX_TIME_MS, received_time_ms=MAX_TIME_MS)

    outcome = update(store, [year_9999, interaction("e2", item_id="plum")])

    assert store.items("u#anna") == ["plum"]
    assert outcome.unreadable == 1


def test_failing_profile_is_named_by_its_first_record_and_the_others_are_applied() -> None:
    store = MemoryStore(failing=["u#ben", "u#cleo"])
    users = ["anna", "ben", "anna", "cleo", "ben", "dora"]

    outcome = update(store, [interaction(f"e{n}", user_id=user) for n, user in enumerate(users)], first=99)

    assert outcome.failed_sequence == sequence(100)
    assert outcome.failures == ("profile table profiles: throttled",) * 2
    assert (outcome.profiles, outcome.interactions) == (2, 3)
    assert store.contents().keys() == {"u#anna", "u#dora"}


def test_sequence_numbers_are_compared_as_numbers() -> None:
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
def test_profiles_do_not_depend_on_how_batches_are_cut_ordered_and_repeated(
    deliveries: list[list[int]], order: list[int]
) -> None:
    straight, tangled = MemoryStore(), MemoryStore()

    update(straight, INTERACTIONS)
    for delivery in [*deliveries, order]:
        update(tangled, [INTERACTIONS[index] for index in delivery])

    assert tangled.contents() == straight.contents()


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(INTERACTIONS))))
def test_stored_profile_is_the_same_after_any_redelivery(
    order: list[int], aws: Callable[[str], Any], profiles_table: str
) -> None:
    store = ProfileStore(aws("dynamodb"), profiles_table)

    update(store, INTERACTIONS)
    expected = store.read("u#user0")
    update(store, [INTERACTIONS[index] for index in order])

    assert store.read("u#user0") == expected
    assert [entry.event_id for entry in expected.recent] == ["e4", "e8", "e2", "e6", "e0", "e10"]


ANONYMOUS = [at(second, f"a{second}", f"i{second}") for second in range(1, 7)]
LOGIN = at(3, "a35", "login", user="anna")
OTHERS = [at(4, "o1", "other", user="ben"), at(7, "o2", "again", user="anna"), at(5, "o3", "pear", user="anna")]


def expected_profiles(events: Sequence[Interaction]) -> dict[str, tuple[RecentInteraction, ...]]:
    """The pure rule over the whole set."""
    logins = first_logins(events)
    found: dict[str, Profile] = {}
    for event in events:
        owned = owner(event, logins)
        found[owned] = found.get(owned, Profile(owned)).merge([recent(event)])
    return {key: profile.recent for key, profile in found.items()}


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[Interaction]]:
    """Batches of a session's life in any order, cut anywhere, with repetitions; the first login before the others."""
    pool = [*ANONYMOUS, LOGIN, *OTHERS]
    order = draw(st.permutations([*pool, *draw(st.lists(st.sampled_from(pool), max_size=6))]))
    late = [event for event in OTHERS if event in order]
    first = next(place for place, event in enumerate(order) if event == LOGIN)
    before = [event for event in order[:first] if event not in OTHERS]
    order = [*before, *order[first:], *late]
    cuts = sorted(draw(st.lists(st.integers(1, len(order)), max_size=5)))
    return [order[start:end] for start, end in itertools.pairwise([0, *cuts, len(order)]) if start < end]


@given(batches=deliveries())
def test_session_joins_its_user_as_the_rule_says_in_any_order_of_delivery(batches: list[list[Interaction]]) -> None:
    store = MemoryStore()

    for batch in batches:
        update(store, batch)

    assert store.contents() == expected_profiles([*ANONYMOUS, LOGIN, *OTHERS])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=deliveries(), remembers=st.lists(st.booleans(), min_size=1, max_size=3))
def test_session_joins_its_user_in_the_table_as_the_rule_says_whatever_the_processes_remember(
    batches: list[list[Interaction]], remembers: list[bool], aws: Callable[[str], Any]
) -> None:
    dynamodb = aws("dynamodb")
    table = create_table(dynamodb, f"profiles-{len(dynamodb.list_tables()['TableNames'])}", key="profile_id")
    processes = [ProfileStore(dynamodb, table, remember_bytes=100_000 * remembering) for remembering in remembers]

    for number, batch in enumerate(batches):
        update(processes[number % len(processes)], batch)

    expected = expected_profiles([*ANONYMOUS, LOGIN, *OTHERS])
    assert {key: processes[0].read(key).recent for key in expected} == expected


def test_profile_keeps_the_latest_interactions_only() -> None:
    store = MemoryStore()

    update(store, [interaction(f"e{n:03}", item_id=f"i{n}", event_time_ms=NOW_MS - n) for n in range(150)])

    assert store.items("u#anna") == [f"i{n}" for n in reversed(range(HISTORY_LENGTH))]


def test_profile_keeps_as_many_as_the_configuration_says() -> None:
    store = MemoryStore()
    long = Applied(dataclasses.replace(DEFAULT, limits=Limits(history_length=120)))

    update(
        store,
        [interaction(f"e{n:03}", item_id=f"i{n}", event_time_ms=NOW_MS - n) for n in range(150)],
        configurations=long,
    )

    assert store.items("u#anna") == [f"i{n}" for n in reversed(range(120))]


def test_session_that_logs_in_brings_as_many_as_the_configuration_says() -> None:
    store = MemoryStore()
    long = Applied(dataclasses.replace(DEFAULT, limits=Limits(history_length=120)))
    browsed = [
        interaction(f"e{n:03}", user_id=None, session_id="s", item_id=f"i{n}", event_time_ms=NOW_MS - n)
        for n in range(150)
    ]
    update(store, browsed, configurations=long)

    login = interaction("login", user_id="anna", session_id="s", item_id="last", event_time_ms=NOW_MS + 1)
    update(store, [login], first=150, configurations=long)

    assert store.items("u#anna") == [*(f"i{n}" for n in reversed(range(119))), "last"]


def test_a_session_that_is_remembered_brings_no_erased_user_back(aws: Callable[[str], Any]) -> None:
    table = create_table(aws("dynamodb"), "profiles-of-erased", key="profile_id")
    store = ProfileStore(aws("dynamodb"), table, remember_bytes=1_000_000)
    browsed = interaction("1", user_id=None, session_id="s", event_time_ms=NOW_MS - 3)
    late = interaction("2", user_id=None, session_id="s", event_time_ms=NOW_MS - 2)
    login = interaction("3", user_id="anna", session_id="s", event_time_ms=NOW_MS - 1)
    update(store, [browsed])
    update(store, [login], first=1)
    for purged in ("u#anna", "s#s"):
        aws("dynamodb").delete_item(TableName=table, Key={"profile_id": {"S": purged}})

    outcome = update(store, [late], first=2, erased=lambda user: user == "anna")

    assert outcome.failed_sequence is None
    assert aws("dynamodb").scan(TableName=table)["Items"] == []
