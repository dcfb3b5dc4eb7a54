"""A purge, which removes the user from every store and keeps the data of other users."""

import dataclasses
import functools
import json

import orjson
import pytest

from alsolike.configuration.configuration import Fatigue
from alsolike.declarations.storage import CHAMPION_KEY, TOMBSTONES_KEY
from alsolike.events.interactions import profile_id
from alsolike.events.logins import Login
from alsolike.events.stream_records import StreamRecord, partition_key, stream_records
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.privacy.tombstones import TombstoneReader, names_erased
from alsolike.profiles.impressions import Impressions, ImpressionStore
from alsolike.runtime.errors import InvalidInput, NotFound
from functions.archive_served.service import to_parquet
from functions.purge_user.expiry import expiring
from functions.purge_user.service import STORES, Outcome
from functions.update_profiles.service import update_profiles
from tests.builders.configurations import Applied
from tests.builders.damaged_records import NAMING_SESSION, NAMING_USER, OF_OTHERS, SESSION, UNDECIDED, USER
from tests.builders.lake_files import OLD_SCHEMA
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event
from tests.builders.parquet import parquet_of, table_of
from tests.builders.served_rows import served
from tests.builders.stores import PLACES, PSEUDONYMS, failed_batch, fill_stores


def test_purge_removes_the_user_from_every_store_and_keeps_others(stores):
    fill_stores(stores)
    others = [row for row in stores.rows() if row["user_id"] == "bob.ray"]
    objects = len(stores.holding("bob.ray"))

    stores.erase("ann.lee")

    assert stores.holding("ann.lee") == []
    assert [row["event_id"] for row in others] == ["b0", "b1", "b2"]
    assert stores.rows() == others
    assert len(stores.holding("bob.ray")) == objects


def test_purge_removes_the_impressions_of_the_user_and_of_sessions(stores):
    fill_stores(stores)
    impressions = ImpressionStore(stores.dynamodb, PLACES.profiles_table)
    shoppers = [PSEUDONYMS.shopper(name) for name in ("ann.lee", "s-ann", "bob.ray")]
    lists = [Impressions(each, "r1", "r1", NOW_MS, ["fig"], is_reported=True) for each in shoppers]
    impressions.add(lists, Fatigue(0.5, 24))

    stores.erase("ann.lee")

    assert [len(impressions.read(each, since_ms=0)) for each in shoppers] == [0, 0, 1]


def test_receipt_has_counts_per_store_and_no_user_id(stores):
    fill_stores(stores)

    erasure = stores.erase("ann.lee")

    assert stores.purged(erasure) == {
        "sessions": (2, 2),  # The session s-ann is from the lake, and s-ann.lee from the profile table.
        "profiles": (2, 2),  # These are the profiles of the user and of the session that was joined to the user.
        "users": (1, 1),
        "lake": (5, 6),  # Session rows in `mixed` and `bob`, then user rows in `mixed`, `again` (two) and `ann`.
        "served": (0, 0),
        "outcomes": (0, 0),
        "user changes": (2, 3),
        "quarantine": (2, 2),
        "failed batches": (2, 3),
        "datasets": (1, 2),
    }
    document = stores.receipt(erasure).document()
    assert (document["status"], document["user_hash"]) == ("complete", PSEUDONYMS.erased_user("ann.lee"))
    assert document["requested_at_ms"] == NOW_MS
    assert [each["store"] for each in document["purged"]] == list(STORES)
    assert {each["store"]: each["by"] for each in document["expiring"]} == {
        "old object versions": "2026-10-22",
        "batches": "2026-10-23",
        "event stream": "2026-09-23",
        "table streams": "2026-09-23",
        "table backups": "2026-10-27",
        "logs": "2026-09-29",
        "access logs": "2026-12-21",
    }


def test_receipt_lists_the_request_for_another_region():
    places = dataclasses.replace(PLACES, forwarded_days=31)

    copies = expiring(places, requested_at_ms=NOW_MS, completed_at_ms=NOW_MS)

    assert {each.store: each.by for each in copies}["forwarded request"] == "2026-10-23"


@pytest.mark.parametrize("folder", ["champion", "imported"])
def test_model_copy_in_a_dataset_is_not_read(stores, folder):
    """A copy of a model contains no user data, and is too large to be read for each erasure."""
    fill_stores(stores)
    key = f"datasets/20260901t000000-aaaaaa/{folder}/graph.data"
    stores.put(key, b"what looks like ann.lee", bucket=PLACES.artefact_bucket)

    stores.erase("ann.lee")

    assert key in stores.keys("datasets/", bucket=PLACES.artefact_bucket)


def test_models_trained_with_the_user_are_listed_with_retrain_dates(stores):
    fill_stores(stores)
    champion = {"history": [{"version": "20260901t000000-aaaaaa", "promoted_ms": 1, "reason": "first"}]}
    stores.put(CHAMPION_KEY, json.dumps(champion).encode(), bucket=PLACES.artefact_bucket)

    erasure = stores.erase("ann.lee")

    # The dataset of the first version has expired.
    expected = [("20260101t000000-cccccc", False, "unknown"), ("20260901t000000-aaaaaa", True, "yes")]
    assert list(stores.receipt(erasure).document()["models"]) == [
        {"version": version, "is_champion": champion, "trained_with_user": trained, "replaced_by": "2026-09-29"}
        for version, champion, trained in expected
    ]


def test_user_id_equal_to_a_manifest_word_keeps_the_manifest(stores):
    key, body = "datasets/20260901t000000-aaaaaa/manifest.json", b'{"event_weights": {"view": 1}}'
    manifest = stores.put(key, body, bucket=PLACES.artefact_bucket)

    stores.erase("view")

    assert manifest in stores.keys("datasets/", bucket=PLACES.artefact_bucket)


@pytest.mark.parametrize(
    ("users", "left"),
    [([None, "bob", "ann"], ["1", "2"]), ([None, "ann", None], []), ([None, "ann", None, "bob"], ["4"])],
    ids=["first login of another user", "own session", "later login of another user"],
)
def test_session_is_purged_if_its_first_login_is_the_users(users, left, stores):
    for time_ms, user in enumerate(users, start=1):
        row = interaction(str(time_ms), user_id=user, session_id="s", event_time_ms=time_ms)
        stores.put_rows(str(time_ms), row)

    stores.erase("ann")

    assert [row["event_id"] for row in stores.rows()] == left


def test_session_of_a_login_missing_in_the_lake_is_purged(stores):
    stores.put_rows("browsed", *(interaction(n, user_id=None, session_id="s", event_time_ms=1) for n in "123"))
    response = served(shopper=None, session=PSEUDONYMS.shopper("s"))
    stores.put("served/served_date=2026-09-21/a.parquet", to_parquet([response]))
    stores.profiles.join("s", Login(4, "login", "ann"), now_ms=NOW_MS)

    stores.erase("ann")

    assert stores.rows() == []
    assert stores.keys("served/") == []


def test_session_of_a_login_dropped_by_all_consumers_is_purged(stores):
    login = interaction("login", user_id="ann", session_id="s", event_time_ms=NOW_MS)
    browsed = interaction("1", user_id=None, session_id="s", event_time_ms=NOW_MS - 1)
    stores.put_rows("browsed", browsed)
    erasure = stores.request_erasure("ann")
    tombstones = TombstoneReader(stores.s3, PLACES.artefact_bucket, lambda: PSEUDONYMS)
    update_profiles(
        stream_records(kinesis_event([browsed, login])),
        store=stores.profiles,
        configurations=Applied(),
        now_ms=NOW_MS,
        erased=functools.partial(tombstones.erased, now_ms=NOW_MS),
        erasure_of=tombstones.erasure_of,
    )
    (mark,) = stores.holding("u#ann")  # The only remaining row is the mark of the erased user.
    assert mark.startswith("profiles/{'profile_id': {'S': 'u#ann'}")

    stores.finish(erasure)

    assert stores.rows() == []
    assert stores.dynamodb.scan(TableName=PLACES.profiles_table)["Items"] == []


def test_quarantined_login_removes_quarantined_events_of_its_session(stores):
    stores.quarantine("login", json.dumps({"user_id": "ann", "session_id": "s", "event_time_ms": 9}).encode())
    stores.quarantine("view", json.dumps({"session_id": "s", "event_time_ms": 8}).encode())
    other = stores.quarantine("other", json.dumps({"session_id": "t", "event_time_ms": 8}).encode())

    stores.erase("ann")

    assert stores.keys("quarantine/") == [other]


@pytest.mark.parametrize("form", [*NAMING_USER, *NAMING_SESSION, *UNDECIDED])
def test_damaged_record_is_removed_from_quarantine_and_batch(form, stores):
    data = {**NAMING_USER, **NAMING_SESSION, **UNDECIDED}[form]
    stores.put_rows("login", interaction("1", user_id=USER, session_id=SESSION))
    stores.quarantine("damaged", data)
    other = stores.quarantine("other", OF_OTHERS["another user, truncated"])
    batch = failed_batch(data, interaction("2", user_id="bob.ray"))
    stores.put("aws/lambda/m/shard/batch", batch.replace(b"u#anna", b"any key"))

    erasure = stores.erase(USER)

    assert stores.keys("quarantine/") == [other]
    rest = orjson.loads(orjson.loads(stores.body("aws/lambda/m/shard/batch"))["payload"])
    assert len(rest["Records"]) == 1
    assert (stores.purged(erasure)["quarantine"], stores.purged(erasure)["failed batches"]) == ((1, 1), (1, 1))


def test_session_of_a_truncated_login_is_purged(stores):
    stores.quarantine("login", NAMING_USER["truncated"])
    stores.put_rows("browsed", interaction("1", user_id=None, session_id=SESSION))

    stores.erase(USER)

    assert stores.rows() == []


@pytest.mark.parametrize("place", ["quarantine", "failed batch"])
def test_session_of_a_record_with_only_the_users_partition_key_is_purged(place, stores):
    data = b'{"session_id": "s", "event_ti'
    if place == "quarantine":
        record = StreamRecord("events", "shard", "1", NOW_MS, data, partition_key="u#ann")
        stores.put("quarantine/dt=2026-09-21/a.json", QuarantinedRecord(record, "bad").to_json())
    else:
        event = kinesis_event([data])
        event["Records"][0]["kinesis"]["partitionKey"] = "u#ann"
        stores.put("aws/lambda/m/shard/a", json.dumps({"payload": json.dumps(event)}).encode())
    stores.put_rows("browsed", interaction("1", user_id=None, session_id="s"), interaction("2", user_id="bob"))

    stores.erase("ann")

    assert [row["event_id"] for row in stores.rows()] == ["2"]


@pytest.mark.parametrize("length", [1, 256])
def test_lost_tombstones_are_restored_from_the_receipt(length, stores):
    session = "s" * length
    stores.put_rows("login", interaction("1", user_id=USER, session_id=session))
    stores.erase(USER)
    before = orjson.loads(stores.body(TOMBSTONES_KEY, bucket=PLACES.artefact_bucket))
    empty = b'{"format_version": 1, "erased": {}, "sessions": {}}'
    stores.put(TOMBSTONES_KEY, empty, bucket=PLACES.artefact_bucket)

    stones = TombstoneReader(stores.s3, PLACES.artefact_bucket, lambda: PSEUDONYMS).current(now_ms=NOW_MS)

    assert (stones.users.keys(), stones.sessions.keys()) == (before["erased"].keys(), before["sessions"].keys())


def test_session_tombstones_lost_during_an_erasure_are_restored(stores):
    stores.put_rows("login", interaction("1", user_id=USER, session_id=SESSION))
    erasure = stores.request_erasure(USER)
    assert stores.step(erasure) == "again"
    empty = b'{"format_version": 1, "erased": {}, "sessions": {}}'
    stores.put(TOMBSTONES_KEY, empty, bucket=PLACES.artefact_bucket)

    stores.finish(erasure)

    stones = orjson.loads(stores.body(TOMBSTONES_KEY, bucket=PLACES.artefact_bucket))
    assert PSEUDONYMS.erased_user(USER) in stones["erased"]
    assert list(stones["sessions"]) == [PSEUDONYMS.shopper(SESSION)]


def test_undecided_late_records_do_not_delay_the_receipt(stores):
    erasure = stores.request_erasure(USER)

    outcomes: list[Outcome] = []
    while not outcomes or outcomes[-1] != "done":
        stores.quarantine(f"late-{len(outcomes)}", UNDECIDED["cut before the user"])
        outcomes.append(stores.step(erasure))
        assert len(outcomes) < 5

    assert stores.receipt(erasure).status == "complete"


def test_corrupt_change_log_is_removed(stores):
    stores.put("users/change_date=2026-09-21/0-1-2.jsonl.gz", b"\x1f\x8b torn")

    stores.erase(USER)

    assert stores.keys("users/") == []


@pytest.mark.parametrize("early_ms", [4_000, 999])
def test_session_with_an_early_dated_login_is_purged(early_ms, stores):
    visit = PSEUDONYMS.shopper("s")
    stores.put_rows(
        "visit",
        *(interaction(str(n), user_id=None, session_id="s", event_time_ms=NOW_MS + n) for n in range(3)),
        interaction("login", user_id="ann", session_id="s", event_time_ms=NOW_MS - early_ms),
    )
    responses = [served(shopper=None, session=visit, served_ms=NOW_MS + n) for n in range(2)]
    stores.put("served/served_date=2026-09-21/a.parquet", to_parquet(responses))

    stores.erase("ann")

    assert stores.rows() == []
    assert stores.keys("served/") == []


def test_objects_of_an_older_schema_keep_their_columns(stores):
    stores.put_rows("old", interaction("a", user_id="ann"), interaction("b", user_id="bob"), schema=OLD_SCHEMA)

    stores.erase("ann")

    (row,) = stores.rows()
    assert list(row) == OLD_SCHEMA.names


def test_dictionary_encoded_column_does_not_keep_the_user(stores):
    key = stores.put_rows("mixed", interaction("a", user_id="ann.lee"), interaction("b", user_id="bob.ray"))
    table = table_of(stores.body(key))
    place = table.schema.get_field_index("user_id")
    stores.put(key, parquet_of(table.set_column(place, "user_id", table["user_id"].dictionary_encode())))

    stores.erase("ann.lee")

    (left,) = stores.keys("interactions/")
    assert b"bob.ray" in stores.body(left)
    assert b"ann.lee" not in stores.body(left)


def test_corrupt_object_raises_an_error_with_its_name(stores):
    stores.put("interactions/event_date=2026-09-21/bad.parquet", b"PAR1 no")

    with pytest.raises(InvalidInput, match=r"bad\.parquet is not a Parquet file"):
        stores.step(stores.request_erasure("ann"))


def test_pending_request_is_deleted_in_all_versions(stores):
    fill_stores(stores)

    stores.erase("ann.lee")

    versions = stores.s3.list_object_versions(Bucket=PLACES.artefact_bucket, Prefix="privacy/pending/")
    assert "Versions" not in versions
    assert "DeleteMarkers" not in versions


def test_old_versions_are_deleted_except_those_needed_by_restores(stores):
    fill_stores(stores)
    before = stores.s3.list_object_versions(Bucket=PLACES.lake_bucket, Prefix="quarantine/")["Versions"]

    stores.erase("ann.lee")

    assert {key.partition("/")[0] for key in stores.old_versions("ann.lee")} == {"interactions", "users"}
    after = stores.s3.list_object_versions(Bucket=PLACES.lake_bucket, Prefix="quarantine/")
    bob = "quarantine/dt=2026-09-21/bob.json"
    kept = [version["VersionId"] for version in before if version["Key"] == bob]
    assert [version["VersionId"] for version in after["Versions"]] == kept
    assert "DeleteMarkers" not in after


def test_object_whose_name_begins_like_another_keeps_its_versions(stores):
    fill_stores(stores)
    for number in range(2):
        stores.put("quarantine/dt=2026-09-21/ann.json.d/bob.json", b'{"user_id": "bob.ray", "n": %d}' % number)

    stores.erase("ann.lee")

    versions = stores.s3.list_object_versions(Bucket=PLACES.lake_bucket, Prefix="quarantine/dt=2026-09-21/ann")
    assert [each["Key"] for each in versions["Versions"]] == ["quarantine/dt=2026-09-21/ann.json.d/bob.json"] * 2


def test_unknown_erasure_is_refused(stores):
    with pytest.raises(NotFound, match="there is no erasure ffff"):
        stores.step("ffff")


@pytest.mark.parametrize("length", [1, 254, 255, 256])
def test_late_unreadable_records_of_erased_sessions_are_matched_by_key(length, stores):
    session, other = "s" * length, "t" * length
    stores.put_rows("logins", interaction("1", user_id="ann.lee", session_id=session))

    stores.erase("ann.lee")

    reader = TombstoneReader(stores.s3, PLACES.artefact_bucket, lambda: PSEUDONYMS)

    def named(name):
        key = partition_key(profile_id(user_id=None, session_id=name))
        record = StreamRecord("events", "shard", "1", NOW_MS, b"no JSON", key)
        return names_erased(record, functools.partial(reader.erased, now_ms=NOW_MS))

    assert (named(session), named(other)) == (True, False)
