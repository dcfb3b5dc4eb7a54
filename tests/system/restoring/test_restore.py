"""Restore of a shop to a time: objects, tables and snapshot, without the erased users."""

import dataclasses
import datetime as dt
import functools
import io
import time

import boto3
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from alsolike.catalogue import change_log
from alsolike.catalogue.actions import Action, ActionStore
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.catalogue.items import CatalogueStore, Item
from alsolike.declarations.storage import CONFIGURATION_KEY, OWN_NAMES_KEY
from alsolike.events.stream_records import stream_records
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import add_tombstone
from alsolike.profiles.profile import Profile, recent
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.s3 import S3Object
from functions.archive_events.service import archive
from operations.configuration.deployed_configuration import store_of
from operations.ingest.load_interactions import import_interactions
from operations.recovery.erased_rows import drop_erased
from operations.recovery.lake_reader import LakeReader
from operations.recovery.object_restore import Losses, carry_out, losses, plan
from operations.recovery.source import EVERYTHING, Part, RestoreSource
from operations.recovery.table_restore import restore_tables
from tests.builders.configurations import Applied
from tests.builders.lambda_events import interaction, kinesis_event
from tests.unit.cli.shop import REGION, empty_deployment


@pytest.fixture
def client(monkeypatch):
    """Yield a function that returns moto's clients. Unlike the memory cloud, moto has backups of tables."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    clients = functools.cache(session.client)
    monkeypatch.setattr("operations.client.deployment.session_clients", lambda **_: clients)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield clients


@pytest.fixture
def deployment(client):
    return empty_deployment(client)


KEY = "k" * 32


@pytest.fixture
def shop(deployment):
    for bucket in (deployment.names.lake_bucket, deployment.names.artefact_bucket):
        deployment.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for table in (deployment.names.profiles_table, deployment.names.catalogue_table, deployment.names.users_table):
        deployment.client("dynamodb").update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    return deployment


def next_second():
    """Return a time between the changes before and after this call. The times of S3's versions are whole seconds."""
    until = int(time.time()) + 1
    while time.time() < until:
        time.sleep(0.02)
    return dt.datetime.fromtimestamp(until - 1, dt.UTC)


def archive_batch(shop, *batch, first):
    event = kinesis_event(batch, first=first)
    for record in event["Records"]:
        record["kinesis"]["approximateArrivalTimestamp"] = time.time()
    s3, bucket = shop.client("s3"), shop.names.lake_bucket
    archive(stream_records(event), client=s3, bucket=bucket, configurations=Applied(), now_ms=now_ms())


def now_ms():
    return time.time_ns() // 1_000_000


def event_ids(shop):
    reader = LakeReader(shop.client("s3"), shop.names.lake_bucket, received_by_ms=None)
    return sorted(
        event_id
        for listed in reader.objects()
        for rows in reader.read(listed, ["event_id"])
        for event_id in rows["event_id"].to_pylist()
    )


def restore(shop, to, *, source=RestoreSource.LAKE, keep_newer=False, parts=EVERYTHING):
    carry_out(shop, plan(shop, to=to, keep_newer=keep_newer, parts=parts))
    drop_erased(shop)
    restore_tables(shop, source, to=to, keep_newer=keep_newer, now_ms=now_ms(), parts=parts)


def log_item(shop, change, *, batch):
    (date,) = change_log.by_date([change])
    key = change_log.object_key(ChangeKind.ITEM, date, shard="0", first_sequence=str(batch), last_sequence="9")
    body = change_log.encode(ChangeKind.ITEM, [change])
    shop.client("s3").put_object(Bucket=shop.names.lake_bucket, Key=key, Body=body)


@pytest.mark.parametrize("keep_newer", [False, True])
def test_lake_and_tables_are_restored_to_a_time(shop, keep_newer):
    before = interaction("before", received_time_ms=now_ms())
    archive_batch(shop, before, first=0)
    catalogue = CatalogueStore(shop.client("dynamodb"), shop.names.catalogue_table)
    log_item(shop, Change("pear", now_ms(), {"price": 1}), batch=1)
    then = next_second()
    after = interaction("after", received_time_ms=now_ms(), event_time_ms=now_ms())
    archive_batch(shop, after, first=7)
    catalogue.put([Item("pear", {"price": 99}), Item("fig", {})], now_ms=now_ms())
    log_item(shop, Change("pear", now_ms(), {"price": 99}), batch=2)
    profiles = ProfileStore(shop.client("dynamodb"), shop.names.profiles_table)
    profiles.add("u#anna", [recent(before), recent(after)], now_ms=now_ms())
    profiles.add("u#bert", [recent(after)], now_ms=now_ms())

    restore(shop, then, keep_newer=keep_newer)

    kept = ["after"] if keep_newer else []
    assert event_ids(shop) == sorted(["before", *kept])
    assert [each.event_id for each in profiles.read("u#anna").recent] == ["before", *kept]
    assert profiles.read("u#bert").recent == ()
    price = 99 if keep_newer else 1
    assert {item.item_id: item.properties for item in catalogue.scan()} == {"pear": {"price": price}}


def test_restore_of_interactions_leaves_the_catalogue_unchanged(shop):
    archive_batch(shop, interaction("before", received_time_ms=now_ms()), first=0)
    then = next_second()
    archive_batch(shop, interaction("after", received_time_ms=now_ms(), event_time_ms=now_ms()), first=7)
    catalogue = CatalogueStore(shop.client("dynamodb"), shop.names.catalogue_table)
    catalogue.put([Item("fig", {})], now_ms=now_ms())
    log_item(shop, Change("fig", now_ms(), {}), batch=1)

    restore(shop, then, parts={Part.INTERACTIONS})

    assert event_ids(shop) == ["before"]
    assert [item.item_id for item in catalogue.scan()] == ["fig"]


def test_restore_reports_newer_events_models_and_configurations_as_lost(shop, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\nann,a,1500000000\n")
    archive_batch(shop, interaction("before", received_time_ms=now_ms()), first=0)
    then = next_second()
    archive_batch(shop, interaction("after", received_time_ms=now_ms(), event_time_ms=now_ms()), first=7)
    import_interactions([path], shop, default_event_type="view", now_ms=now_ms())
    shop.client("s3").put_object(Bucket=shop.names.artefact_bucket, Key="models/v2/manifest.json", Body=b"{}")
    store = store_of(shop)
    document = {"format": 1, "events": {"view": {"weight": 2}}}
    store.apply(store.current(), document, text="", by="me", reason="", now_ms=now_ms())

    found = losses(shop, plan(shop, to=then, keep_newer=False), to=then)

    assert found == Losses(live_events=1, models=("v2",), configurations=(1,))


def test_damaged_objects_are_restored(shop):
    archive_batch(shop, interaction("before", received_time_ms=now_ms()), first=0)
    store, s3 = store_of(shop), shop.client("s3")
    document = {"format": 1, "events": {"view": {"weight": 2}}}
    store.apply(store.current(), document, text="", by="me", reason="", now_ms=now_ms())
    applied = store.current()
    then = next_second()
    (key,) = (listed.key for listed in LakeReader(s3, shop.names.lake_bucket, received_by_ms=None).objects())
    s3.put_object(Bucket=shop.names.lake_bucket, Key=key, Body=b"damaged")
    s3.put_object(Bucket=shop.names.artefact_bucket, Key=CONFIGURATION_KEY, Body=b"{")

    assert losses(shop, plan(shop, to=then, keep_newer=False), to=then) == Losses(0, (), ())
    restore(shop, then, parts={Part.INTERACTIONS, Part.CONFIGURATION})

    assert event_ids(shop) == ["before"]
    assert (store.current().versions, store.current().document) == (applied.versions, applied.document)


def test_erased_user_is_not_restored(shop):
    shop.client("secretsmanager").create_secret(Name="hash-key", SecretString=KEY)
    arn = shop.client("secretsmanager").describe_secret(SecretId="hash-key")["ARN"]
    shop = _with_key(shop, arn)
    browsed = interaction(
        "browsed", user_id=None, session_id="s", event_time_ms=now_ms() - 9, received_time_ms=now_ms()
    )
    login = interaction("login", user_id="anna", session_id="s", event_time_ms=now_ms(), received_time_ms=now_ms())
    other = interaction("other", user_id="bert", session_id="s2", received_time_ms=now_ms())
    archive_batch(shop, browsed, login, other, first=0)
    then = next_second()
    for listed in LakeReader(shop.client("s3"), shop.names.lake_bucket, received_by_ms=None).objects():
        shop.client("s3").delete_object(Bucket=shop.names.lake_bucket, Key=listed.key)
    erased = Pseudonyms(KEY.encode()).erased_user("anna")
    add_tombstone(shop.client("s3"), shop.names.artefact_bucket, erased, now_ms=now_ms())

    restore(shop, then)

    assert event_ids(shop) == ["other"]
    profiles = ProfileStore(shop.client("dynamodb"), shop.names.profiles_table)
    assert profiles.read("u#anna") == Profile("u#anna")
    assert [each.event_id for each in profiles.read("u#bert").recent] == ["other"]


def test_file_imported_after_the_restored_time_can_be_imported_again(shop, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\nann,a,1500000000\n")
    then = next_second()

    def load():
        return import_interactions([path], shop, default_event_type="view", now_ms=now_ms()).imported

    load()
    restore(shop, then)
    assert event_ids(shop) == []

    assert load() == 1
    assert len(event_ids(shop)) == 1


def test_erased_users_are_removed_from_a_concurrently_changed_object(shop):
    arn = shop.client("secretsmanager").create_secret(Name="hash-key", SecretString=KEY)["ARN"]
    shop = _with_key(shop, arn)
    ann, bob = (interaction(user, user_id=user, received_time_ms=now_ms()) for user in ("ann", "bob"))
    archive_batch(shop, ann, bob, first=0)
    s3, bucket = shop.client("s3"), shop.names.lake_bucket
    add_tombstone(s3, shop.names.artefact_bucket, Pseudonyms(KEY.encode()).erased_user("ann"), now_ms=now_ms())
    changed = iter([True])

    class Changing:
        """S3 client through which another caller overwrites an object before the first write of the tested function."""

        def __getattr__(self, name):
            return getattr(s3, name)

        def put_object(self, **request):
            if next(changed, False):
                content = s3.get_object(Bucket=bucket, Key=request["Key"])["Body"].read()
                rows = pq.read_table(io.BytesIO(content))
                out = io.BytesIO()
                pq.write_table(rows.take([1, 0]), out)
                s3.put_object(Bucket=bucket, Key=request["Key"], Body=out.getvalue())
            return s3.put_object(**request)

    drop_erased(
        dataclasses.replace(shop, client=lambda service: Changing() if service == "s3" else shop.client(service))
    )

    assert event_ids(shop) == ["bob"]


def test_tables_are_restored_from_their_backups(shop):
    catalogue = CatalogueStore(shop.client("dynamodb"), shop.names.catalogue_table)
    catalogue.put([Item("pear", {"price": 1})], now_ms=now_ms())
    archive_batch(shop, interaction("e1", received_time_ms=now_ms()), first=0)

    restore(shop, next_second(), source=RestoreSource.BACKUPS)

    # Moto restores the current contents of a table. The test shows that restored tables are copied and then deleted.
    assert [item.item_id for item in catalogue.scan()] == ["pear"]
    profiles = ProfileStore(shop.client("dynamodb"), shop.names.profiles_table)
    assert [each.event_id for each in profiles.read("u#anna").recent] == ["e1"]
    names = shop.client("dynamodb").list_tables()["TableNames"]
    tables = (shop.names.profiles_table, shop.names.catalogue_table, shop.names.users_table, shop.names.keys_table)
    assert set(names) == set(tables)


def _with_key(shop, arn):
    return dataclasses.replace(shop, names=dataclasses.replace(shop.names, hash_key_arn=arn))


def test_actions_are_restored_and_personalize_names_kept(shop):
    names = S3Object(shop.client("s3"), shop.names.artefact_bucket, OWN_NAMES_KEY)
    names.replace(b"before", etag=None)
    actions = ActionStore(shop.client("s3"), shop.names.artefact_bucket)
    actions.put([Action("app", {"value": 2})], now_ms=0)
    then = next_second()
    names.replace(b"after", etag=names.read().etag)
    actions.put([Action("app", {"value": 0}), Action("mail", {})], now_ms=0)

    restore(shop, then)

    assert names.read().body == b"after"
    assert actions.all() == [Action("app", {"value": 2})]
