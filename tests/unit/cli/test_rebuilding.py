"""Profiles, catalogue, users and snapshot that are rebuilt from the lake."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.catalogue.items import CatalogueStore, Item
from alsolike.configuration.configuration import DEFAULT
from alsolike.events.stream_records import stream_records
from alsolike.profiles.profile import SessionLink
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.snapshot import Snapshot
from alsolike.snapshot.store import SnapshotStore
from functions.archive_events.service import archive
from functions.update_profiles.service import update_profiles
from operations.recovery.lake_reader import LakeReader
from operations.recovery.profile_builder import logins_of, profiles_of
from operations.recovery.profile_rebuild import rebuild_profiles
from operations.recovery.row_rebuild import Rebuilt, rebuild_rows, rebuild_snapshot
from tests.builders.configurations import Applied
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event
from tests.builders.world import configure
from tests.unit.cli.imported import stored_items


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


def log(deployment, *changes, batch):
    s3, bucket = deployment.client("s3"), deployment.names.lake_bucket
    sequences = {"first_sequence": str(batch), "last_sequence": str(batch)}
    for date, rows in change_log.by_date(changes).items():
        key = change_log.object_key(ChangeKind.ITEM, date, shard="0", **sequences)
        s3.put_object(Bucket=bucket, Key=key, Body=change_log.encode(ChangeKind.ITEM, rows))


def catalogue(deployment):
    return CatalogueStore(deployment.client("dynamodb"), deployment.names.catalogue_table)


@pytest.fixture
def logged(deployment):
    """Log a higher price of the pear and the deletion of the fig, out of order and with duplicates."""
    log(deployment, Change("pear", NOW_MS + 5, {"price": 2}), Change("fig", NOW_MS + 7, None), batch=1)
    log(deployment, Change("pear", NOW_MS, {"price": 1}), Change("fig", NOW_MS, {"price": 9}), batch=2)
    log(deployment, Change("pear", NOW_MS, {"price": 1}), Change("kiwi", NOW_MS + 9, {"price": 3}), batch=3)
    return deployment


def test_lost_catalogue_is_rebuilt(logged):
    rebuilt = rebuild_rows(logged, ChangeKind.ITEM, now_ms=NOW_MS + 99)

    assert rebuilt == Rebuilt(known=2, written=2, deleted=0)
    assert stored_items(logged) == {"pear": {"price": 2}, "kiwi": {"price": 3}}


def test_newer_rows_of_the_table_are_kept(logged):
    store = catalogue(logged)
    store.put([Item("pear", {"price": 7}), Item("kiwi", {}), Item("new", {})], now_ms=NOW_MS + 20)
    store.delete("kiwi", now_ms=NOW_MS + 21)

    rebuilt = rebuild_rows(logged, ChangeKind.ITEM, now_ms=NOW_MS + 99)

    assert rebuilt.written == 0
    assert stored_items(logged) == {"pear": {"price": 7}, "new": {}}


def test_exact_rebuild_restores_the_rows_of_a_time(logged):
    catalogue(logged).put([Item("pear", {"price": 2}), Item("new", {})], now_ms=NOW_MS + 20)

    rebuilt = rebuild_rows(logged, ChangeKind.ITEM, now_ms=NOW_MS + 99, changed_by_ms=NOW_MS + 4, exactly=True)

    assert rebuilt == Rebuilt(known=2, written=2, deleted=1)
    assert stored_items(logged) == {"pear": {"price": 1}, "fig": {"price": 9}}


def test_invalid_log_object_error_names_the_object(deployment):
    key = "catalogue/change_date=2026-11-25/0-1-2.jsonl.gz"
    deployment.client("s3").put_object(Bucket=deployment.names.lake_bucket, Key=key, Body=b"no gzip")

    with pytest.raises(InvalidInput, match=key):
        rebuild_rows(deployment, ChangeKind.ITEM, now_ms=NOW_MS)


def test_rebuilt_snapshot_has_the_rows_of_the_log(logged, tmp_path):
    published = rebuild_snapshot(logged, now_ms=NOW_MS + 99)

    store = SnapshotStore(logged.client("s3"), logged.names.artefact_bucket, tmp_path)
    entries = store.manifest().manifest.segments
    snapshot = Snapshot.open([store.fetch(entry) for entry in entries], version="1")
    rows = snapshot.rows(["pear", "kiwi", "fig"])
    assert published.segments == 1
    assert [snapshot.properties(row) for row in rows[:2]] == [{"price": 2}, {"price": 3}]
    assert rows[2] == -1
