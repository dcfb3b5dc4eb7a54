"""Both engines build the same dataset of the same lake, row by row."""

import random
from typing import Any, cast

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alsolike.catalogue.actions import ActionStore
from alsolike.configuration.configuration import DEFAULT, Configuration, EventType, Limits
from alsolike.events.action_events import action_properties
from alsolike.events.context import context_of
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN, ACTION_VIEWED
from alsolike.privacy.tombstones import no_erased_users
from alsolike.training.dataset import FEATURE_COLUMNS
from functions.build_dataset import cleaning, spark_cleaning
from functions.build_dataset.dataset_rules import ACTION, CONTEXT
from functions.build_dataset.settings import Settings
from functions.build_dataset.spark_dataset import SparkErasedUsers, build_dataset, read_lake
from tests.slow.spark.lakes import START_MS, event, in_process, on_spark, read, write_object

HALVES = {**DEFAULT.events, "view": EventType("view", 0.1), "return": EventType("return", -0.25, aliases=("refund",))}


def configuration(*, minimum_item=1, minimum_user=1, **fields):
    return Configuration(
        limits=Limits(minimum_item_interactions=minimum_item, minimum_user_interactions=minimum_user), **fields
    )


def is_erased(user_id, session_id=None):
    return user_id in ("u3", "u17")


@pytest.fixture(scope="module")
def odd_lake(tmp_path_factory):
    """Write a lake with copies, ties, late logins, returns, unknown types, nulls, old objects and a bot."""
    chance = random.Random(7)
    types = ("view", "view", "VIEW", "click", "AddToCart", "purchase", "return", "Refund", "search", "rating", None)

    def any_event(number):
        known = chance.random() < 0.6
        return event(
            f"e{chance.randrange(2_000):05}" if number % 10 == 0 else f"f{number:05}",
            user=f"u{chance.randrange(40)}" if known else None,
            session_id=f"s{chance.randrange(60)}" if not known or chance.random() < 0.5 else None,
            item=f"i{min(chance.randrange(30), chance.randrange(30))}" if chance.random() < 0.95 else None,
            event_type=chance.choice(types),
            event_time_ms=START_MS + chance.randrange(400),  # many at the same time
            received_time_ms=START_MS + chance.randrange(1_000),
        )

    rows = [any_event(number) for number in range(4_000)]
    bot = [
        event(f"b{number:05}", user="bot", item=f"i{number % 3}", event_time_ms=START_MS + number % 97)
        | ({"event_type": "return"} if number % 50 == 49 else {})
        for number in range(8_000)
    ]
    again = [{**row, "received_time_ms": row["received_time_ms"] + 5, "item_id": "i1"} for row in rows[::7]]
    once_more = [{**row, "received_time_ms": None} for row in rows[::31]]
    rare = [event(f"r{number}", user="u1", item=f"rare{number}") for number in range(5)]
    directory = tmp_path_factory.mktemp("lake")
    write_object(directory, "a", rows)
    write_object(directory, "b", [*again, *once_more, *bot])
    write_object(directory, "old", rare, without=["session_id", "received_time_ms"])
    return directory


@pytest.mark.parametrize(
    ("settings_", "erased"),
    [
        pytest.param(
            configuration(minimum_item=20, minimum_user=30),
            is_erased,
            id="minimums and erased users",
            marks=pytest.mark.ci,
        ),
        pytest.param(configuration(events=HALVES), no_erased_users, id="fractions are taken back"),
    ],
)
def test_both_engines_build_the_same_dataset(spark, odd_lake, settings_, erased):
    rows, dropped, repeats = in_process(read(odd_lake), settings_, erased)

    assert on_spark(spark, odd_lake, settings_, erased) == (rows, dropped, repeats)

    assert len(rows) > 5_000
    assert dropped["taken_back"] > 100
    assert dropped["duplicate_event"] > 500
    assert all(dropped[reason] for reason in ("no_item", "unknown_event_type", "no_weight"))
    assert bool(dropped["erased_user"]) == (erased is is_erased)
    assert bool(dropped["rare_item"] and dropped["short_history"]) == (settings_.limits.minimum_item_interactions > 1)


_EVENTS = st.builds(
    event,
    st.integers(0, 12).map("e{:02}".format),
    st.sampled_from([None, "anna", "ben"]),
    st.sampled_from([None, "fig", "pear"]),
    session_id=st.sampled_from(["s1", "s2"]),
    event_type=st.sampled_from([None, "view", "Purchase", "return", "search", "rating"]),
    event_time_ms=st.integers(START_MS, START_MS + 3),
    received_time_ms=st.integers(START_MS, START_MS + 2),
)


@settings(
    max_examples=3, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(_EVENTS, min_size=1, max_size=30), minimum=st.integers(1, 3))
def test_engines_agree_on_a_random_lake(spark, tmp_path_factory, rows, minimum):
    directory = tmp_path_factory.mktemp("lake")
    write_object(directory, "a", rows)
    limits = configuration(minimum_item=minimum, minimum_user=minimum)

    assert on_spark(spark, directory, limits, no_erased_users) == in_process(read(directory), limits, no_erased_users)


def test_both_engines_have_the_same_interactions_with_actions(spark, tmp_path):
    def action(number, event_type, **fields):
        properties = action_properties(f"offer{number % 3}", ["offer0", "offer1"] if number % 4 == 0 else None)
        fields = {"event_time_ms": START_MS + number, "properties": properties, **fields}
        return event(f"a{number}", item=None, event_type=event_type, **fields)

    types = (ACTION_TAKEN, ACTION_NOT_TAKEN, ACTION_VIEWED)
    rows = [
        *(action(number, types[number % 3], user=f"u{number % 5}") for number in range(30)),
        action(40, ACTION_TAKEN, user=None, session_id="s1"),  # before the session's login
        event("login", user="u1", session_id="s1", item=None, event_type="login", event_time_ms=START_MS + 41),
        action(42, ACTION_TAKEN, user=None, session_id="s2"),  # no login
        event("view", user="u1", properties='{"actionId": "none"}'),
    ]
    write_object(tmp_path, "a", rows)
    write_object(tmp_path, "again", rows[:5])
    write_object(tmp_path, "old", [event("old")], without=["properties"])
    frame = pd.DataFrame([*rows, *rows[:5], event("old")])
    frame[ACTION] = frame.pop("properties").where(frame["event_type"].isin(types))

    local = cleaning.clean(frame, configuration(), erased=is_erased).actions
    distributed = spark_cleaning.clean(
        read_lake(spark, f"file://{tmp_path}"), configuration(), erased=is_erased
    ).actions

    assert sorted(map(tuple, distributed.collect())) == sorted(local.itertuples(index=False, name=None))
    assert {row.profile_id for row in local.itertuples()} == {"u#u0", "u#u1", "u#u2", "u#u4"}  # u3 is erased
    assert START_MS + 40 in set(local["event_time_ms"])


def test_both_engines_have_the_same_contexts(spark, tmp_path):
    properties = ('{"DEVICE":"Phone","page":"home"}', '{"device":"tv"}', "{}", '{"device":7}')
    types = ("view", "AddToCart", "purchase", "return")  # each return reverses a part of the preceding purchase
    rows = [
        event(f"e{n}", event_type=types[n % 4], event_time_ms=START_MS + n, properties=properties[n % 3])
        for n in range(12)
    ]
    write_object(tmp_path, "a", rows)
    write_object(tmp_path, "old", [event("old", item="fig")], without=["properties"])
    declared = configuration(events=HALVES, context=("device",))
    frame = pd.DataFrame([*rows, event("old", item="fig")]).drop(columns="properties")
    frame[CONTEXT] = [*(context_of(row["properties"], declared.context) for row in rows), ""]
    columns = ["item_id", "event_time_ms", "weight", *FEATURE_COLUMNS]

    local = cleaning.clean(frame, declared).frame[columns]
    distributed = spark_cleaning.clean(read_lake(spark, f"file://{tmp_path}", context=declared.context), declared).frame

    assert sorted(map(tuple, distributed.select(*columns).collect())) == sorted(
        local.itertuples(index=False, name=None)
    )
    assert set(local["context"]) == {'{"device":"phone"}', '{"device":"tv"}', ""}


def test_rows_of_agents_are_not_read(spark, tmp_path):
    write_object(tmp_path, "a", [event("e1"), event("e2", agent="assistant")])
    write_object(tmp_path, "old", [event("e3")], without=["agent"])

    rows = read_lake(spark, f"file://{tmp_path}").collect()

    assert sorted(row["event_id"] for row in rows) == ["e1", "e3"]


def test_lake_without_interactions_with_actions_has_none(spark, tmp_path):
    write_object(tmp_path, "a", [event("view")])

    assert spark_cleaning.clean(read_lake(spark, f"file://{tmp_path}"), configuration()).actions is None


def test_profiles_of_a_sample_equal_those_of_its_written_interactions(spark, tmp_path, monkeypatch):
    rows = [event(f"e{n}", user=f"u{n % 40}", item=f"i{n % 7}", event_time_ms=START_MS + n) for n in range(400)]
    write_object(tmp_path / "lake", "a", rows)
    items = spark.createDataFrame([], "item_id string, properties string")
    monkeypatch.setattr("functions.build_dataset.spark_dataset._items", lambda *_: items)

    dataset = build_dataset(
        spark,
        "run",
        started_ms=START_MS,
        lake_s3_uri=f"file://{tmp_path}/lake",
        dataset_s3_uri=f"file://{tmp_path}/dataset/",
        settings=Settings("lake", "artefacts", "catalogue", "users", "secret"),
        actions=ActionStore(cast("Any", None), "artefacts"),
        configuration=configuration(),
        lineage=("interactions",),
        erased=SparkErasedUsers(frozenset(), "secret"),
        max_interactions=200,
    )

    written = spark.read.parquet(f"file://{tmp_path}/dataset/interactions.parquet")
    profiles = {row["profile_id"] for row in dataset.profiles.collect()}
    assert profiles == {row["profile_id"] for row in written.collect()}
    assert 0 < len(profiles) < 40
