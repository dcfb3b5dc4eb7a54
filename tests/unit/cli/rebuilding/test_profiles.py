"""Profiles that are rebuilt from the lake equal the live profiles."""

import dataclasses

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT
from alsolike.events.stream_records import stream_records
from alsolike.profiles.profile import SessionLink
from alsolike.profiles.profile_table import ProfileStore
from functions.archive_events.service import archive
from functions.update_profiles.service import update_profiles
from operations.recovery.lake_reader import LakeReader
from operations.recovery.profile_builder import logins_of, profiles_of
from operations.recovery.profile_rebuild import rebuild_profiles
from tests.builders.configurations import Applied
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event
from tests.builders.world import configure


def rebuilt(deployment, *, received_by_ms=None):
    rows = LakeReader(deployment.client("s3"), deployment.names.lake_bucket, received_by_ms=received_by_ms)
    return {profile.profile_id: profile for profile in profiles_of(rows, logins_of(rows))}


def archive_batches(deployment, *batches, first=0):
    for batch in batches:
        records = stream_records(kinesis_event(batch, first=first))
        s3, bucket = deployment.client("s3"), deployment.names.lake_bucket
        archive(records, client=s3, bucket=bucket, configurations=Applied(), now_ms=NOW_MS)
        first += len(batch)


def test_profile_has_each_interaction_once_in_order(deployment):
    early, late = interaction("e1", event_time_ms=NOW_MS - 9), interaction("e2", event_time_ms=NOW_MS - 5)

    archive_batches(deployment, [late, interaction("b1", user_id="bert")], [early, late])

    found = rebuilt(deployment)
    assert {name: [each.event_id for each in profile.recent] for name, profile in found.items()} == {
        "u#anna": ["e1", "e2"],
        "u#bert": ["b1"],
        "s#s1": [],
    }


def test_interactions_received_after_the_time_are_excluded(deployment):
    first, second = (interaction(f"e{n}", received_time_ms=NOW_MS + n) for n in range(2))
    archive_batches(deployment, [first, second])

    found = rebuilt(deployment, received_by_ms=NOW_MS)

    assert [each.event_id for each in found["u#anna"].recent] == ["e0"]


def test_session_history_belongs_to_its_user_across_objects(deployment):
    browsed = interaction("browsed", user_id=None, session_id="s", event_time_ms=NOW_MS - 90_000_000)
    after = interaction("after", user_id=None, session_id="s", event_time_ms=NOW_MS - 1)
    login = interaction("login", user_id="anna", session_id="s", event_time_ms=NOW_MS - 2)

    archive_batches(deployment, [browsed], [after], [login])

    found = rebuilt(deployment)
    assert [each.event_id for each in found["u#anna"].recent] == ["browsed", "login"]
    assert [each.event_id for each in found["s#s"].recent] == ["after"]
    assert found["s#s"].joined == SessionLink("u#anna", NOW_MS - 2)


def test_rebuilt_profiles_have_the_configured_context(deployment):
    configure(deployment.client("s3"), deployment.names.artefact_bucket, interactions={"context": ["DEVICE"]})
    phone, invalid = ({"properties": text} for text in ('{"DEVICE":"Phone"}', '{"device":7}'))
    seen = [interaction("e1", **phone), interaction("e2", user_id="bert", **invalid)]
    archive_batches(deployment, seen)
    profiles = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)
    configurations = Applied(dataclasses.replace(DEFAULT, context=("device",)))
    records = stream_records(kinesis_event(seen))
    update_profiles(records, store=profiles, configurations=configurations, now_ms=NOW_MS)
    live = profiles.read("u#anna")

    rebuild_profiles(deployment, now_ms=NOW_MS, exactly=True)

    assert profiles.read("u#anna") == live
    assert [each.context for each in live.recent] == ['{"device":"phone"}']
    assert [each.context for each in profiles.read("u#bert").recent] == [""]


def test_rebuilt_profiles_have_the_configured_history_length(deployment):
    configure(deployment.client("s3"), deployment.names.artefact_bucket, limits={"history_length": 120})
    archive_batches(deployment, [interaction(f"e{n:03}", event_time_ms=NOW_MS - n) for n in range(150)])

    rebuild_profiles(deployment, now_ms=NOW_MS)

    profile = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table).read("u#anna", length=None)
    assert [each.event_id for each in profile.recent] == [f"e{n:03}" for n in reversed(range(120))]


def test_empty_lake_and_searches_give_no_profiles(deployment):
    assert rebuilt(deployment) == {}

    archive_batches(deployment, [interaction("q1", session_id=None, item_id=None, event_type="search", query="pears")])

    assert rebuilt(deployment) == {}


@st.composite
def shopping(draw):
    """Draw interactions of several sessions with at most one login each.

    The interactions are in random order, and some are repeated.
    """
    found = []
    for session in ("s1", "s2", "s3"):
        times = draw(st.lists(st.integers(1, 40), max_size=5, unique=True))
        for place, time in enumerate(times):
            found.append(
                interaction(
                    f"{session}-{time}",
                    session_id=session,
                    user_id=draw(st.sampled_from(["anna", "bert"])) if place == 2 else None,
                    item_id=draw(st.sampled_from(["pear", "fig", "kiwi"])),
                    event_time_ms=NOW_MS - 90_000_000 * (time % 3) - time,
                )
            )
    return draw(st.permutations(found + [each for each in found if draw(st.booleans())]))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arriving=shopping(), batch=st.integers(1, 9))
def test_rebuilt_profiles_equal_the_live_ones(deployment, arriving, batch):
    s3, dynamodb = deployment.client("s3"), deployment.client("dynamodb")
    lake_bucket, table = deployment.names.lake_bucket, deployment.names.profiles_table
    for entry in s3.list_objects_v2(Bucket=lake_bucket).get("Contents", []):
        s3.delete_object(Bucket=lake_bucket, Key=entry["Key"])
    for row in dynamodb.scan(TableName=table)["Items"]:
        dynamodb.delete_item(TableName=table, Key={name: row[name] for name in ("profile_id", "sort_key")})
    store = ProfileStore(dynamodb, table)
    for first in range(0, len(arriving), batch):
        some = arriving[first : first + batch]
        archive_batches(deployment, some, first=first)
        records = stream_records(kinesis_event(some, first=first))
        update_profiles(records, store=store, configurations=Applied(), now_ms=NOW_MS)

    live = {each.profile_id: each for each in store.scan()}

    assert rebuilt(deployment) == live
