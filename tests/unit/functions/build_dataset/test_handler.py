import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.catalogue.users import User, UserStore
from alsolike.declarations.times import DAY_MS
from alsolike.events.action_events import action_properties
from alsolike.events.interactions import ACTION_TAKEN, ACTION_VIEWED
from alsolike.events.stream_records import stream_records
from alsolike.profiles.profile import recent
from alsolike.runtime.errors import InvalidDataset
from alsolike.training.dataset import DatasetManifest
from functions.build_dataset import service
from functions.build_dataset.cleaning import clean
from operations.ingest.interaction_checks import check
from operations.ingest.lake_rows import LakeWriter
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event
from tests.builders.parquet import table_of
from tests.builders.world import configure
from tests.unit.functions.build_dataset.shop import EVENT, dropped, shopping


def test_dataset_has_typed_and_sorted_files(dataset, invoke, artefact_bucket, counted):
    files, answer = dataset(), invoke()

    location = f"s3://{artefact_bucket}/datasets/{EVENT['run_id']}/"
    assert answer == {
        "run_id": EVENT["run_id"], "dataset_s3_uri": location, "interactions": 10, "users": 5, "items": 2,
    }  # fmt: skip
    assert counted()["DatasetsBuilt"] == 2
    assert files.keys() == {"interactions.parquet", "items.parquet", "users.parquet", "manifest.json"}
    table = table_of(files["interactions.parquet"])
    assert table.schema.remove_metadata() == pa.schema(
        [
            ("profile_id", pa.string()),
            ("item_id", pa.string()),
            ("event_time_ms", pa.int64()),
            ("weight", pa.float32()),
            ("event_type", pa.string()),
        ]
    )
    rows = table.to_pylist()
    assert rows == sorted(rows, key=lambda row: row["event_time_ms"])
    first = {"profile_id": "u#user4", "item_id": "plum", "event_time_ms": NOW_MS - 9 * DAY_MS, "weight": 1.0}
    assert rows[0] == {**first, "event_type": "view"}
    items, users = table_of(files["items.parquet"]), table_of(files["users.parquet"])
    assert items.schema.remove_metadata() == pa.schema([("item_id", pa.string()), ("properties", pa.string())])
    assert items.to_pylist() == [
        {"item_id": "fig", "properties": '{"title":"Fig","price":1.5}'},
        {"item_id": "pear", "properties": "{}"},
        {"item_id": "plum", "properties": '{"title":"Plum"}'},
    ]
    assert users.schema.remove_metadata() == pa.schema([("user_id", pa.string()), ("properties", pa.string())])
    assert users.num_rows == 0  # Without group columns, users are not read.


def test_interactions_have_the_same_context_as_profiles(dataset, aws, artefact_bucket):
    configure(aws("s3"), artefact_bucket, interactions={"context": ["DEVICE", "channel"]})

    table = table_of(dataset()["interactions.parquet"])

    events = sorted(shopping()[:10], key=lambda event: event.event_time_ms)
    contexts = [recent(event, context=("device", "channel")).context for event in events]
    assert table["context"].to_pylist() == contexts
    assert contexts[-1] == '{"channel":"app","device":"phone"}'
    assert contexts[0] == ""


def test_users_file_has_declared_group_columns(dataset, aws, artefact_bucket, users_table):
    """The file contains only buyers. Numbers cannot form groups, and undeclared columns may contain any value."""
    columns = {"plan": "string", "likes": "list", "age": "number"}
    configure(aws("s3"), artefact_bucket, users={"columns": columns})
    users = [
        User("user1", {"plan": "gold", "likes": "tea|jazz", "age": 30, "email": "one@example.org"}),
        User("user0", {"plan": "tin"}),
        User("user2", {"age": 40}),
        User("stranger", {"plan": "gold"}),
    ]
    UserStore(aws("dynamodb"), users_table).put(users, now_ms=NOW_MS)

    table = table_of(dataset()["users.parquet"])

    assert table.to_pylist() == [
        {"user_id": "user0", "properties": '{"plan":"tin"}'},
        {"user_id": "user1", "properties": '{"plan":"gold","likes":["tea","jazz"]}'},
    ]


def test_manifest_has_counts_drops_and_sources(dataset):
    manifest = DatasetManifest.from_json(dataset()["manifest.json"])

    assert (manifest.rows_read, manifest.interactions, manifest.users, manifest.items) == (15, 10, 5, 2)
    assert manifest.dropped == dropped(duplicate_event=4, rare_item=1)
    assert (manifest.first_event_ms, manifest.last_event_ms) == (NOW_MS - 9 * DAY_MS, NOW_MS)
    assert manifest.catalogue_items == 3
    assert manifest.repeat_share == 0.0
    assert manifest.created_ms == 1_772_337_906_000
    assert manifest.lineage[0] == "interactions/event_date=2026-09-11"
    assert len(manifest.lineage) == 11
    # In the last seven days, three users bought both the pear and the plum, and one user bought one item.
    assert manifest.reference.item_popularity.edges == (1,)
    assert manifest.reference.item_popularity.counts == (3, 3)
    assert manifest.reference.user_activity.counts[:3] == (0, 3, 0)
    assert manifest.reference.history_length.counts[:3] == (0, 3, 0)
    assert manifest.reference.category_popularity is None


def test_weights_and_minimums_come_from_the_current_configuration(dataset, aws, artefact_bucket):
    limits = {"minimum_item_interactions": 1, "history_length": 7}
    configure(aws("s3"), artefact_bucket, events={"view": {"weight": 2.5}}, limits=limits)

    files = dataset()

    manifest = DatasetManifest.from_json(files["manifest.json"])
    table = table_of(files["interactions.parquet"])
    assert manifest.configuration_version == 1
    assert (manifest.minimum_item_interactions, manifest.minimum_user_interactions) == (1, 2)
    assert manifest.history_length == 7
    assert manifest.event_weights == {"view": 2.5, "click": 1.0, "cart": 3.0, "purchase": 5.0, "return": -5.0}
    assert set(table.column("weight").to_pylist()) == {2.5}
    assert manifest.items == 3  # The three items include the fig, which has one buyer.


def test_repeated_call_writes_the_same_files(dataset):
    assert dataset() == dataset()


def test_dataset_without_a_catalogue_has_an_empty_typed_items_file(invoke, archived, aws, artefact_bucket):
    archived(stream_records(kinesis_event(shopping())))

    key = f"datasets/{invoke()['run_id']}/items.parquet"

    content = aws("s3").get_object(Bucket=artefact_bucket, Key=key)["Body"].read()
    table = table_of(content)
    assert table.schema.remove_metadata() == pa.schema([("item_id", pa.string()), ("properties", pa.string())])
    assert table.num_rows == 0


def test_empty_lake_is_an_error(invoke):
    with pytest.raises(InvalidDataset, match="lake-bucket/interactions/ holds no interactions"):
        invoke()


def test_too_few_interactions_raise_an_error_with_counts(invoke, archived, aws, artefact_bucket):
    archived(stream_records(kinesis_event([interaction("e1")])))

    with pytest.raises(InvalidDataset, match=r"none of 1 interactions is left .*'rare_item': 1.* needs 5 interactions"):
        invoke()

    assert "Contents" not in aws("s3").list_objects_v2(Bucket=artefact_bucket)


def test_action_interactions_are_written_to_separate_files(dataset, aws, archived, artefact_bucket):
    shown = action_properties("app", ["app", "mail"])
    taken = interaction("a1", user_id="user1", item_id=None, event_type=ACTION_TAKEN, properties=shown)
    anonymous = interaction(
        "a2", user_id=None, session_id="s9", item_id=None, event_type=ACTION_TAKEN, properties=shown
    )
    archived(stream_records(kinesis_event([taken, anonymous, taken], first=100)))
    ActionStore(aws("s3"), artefact_bucket).put([Action("app", {"kind": "sign-up"})], now_ms=0)

    files = dataset()

    row = {"profile_id": "u#user1", "event_time_ms": taken.event_time_ms}
    assert table_of(files["action_interactions.parquet"]).to_pylist() == [
        {**row, "action_id": "app", "event_type": ACTION_TAKEN},
        {**row, "action_id": "mail", "event_type": ACTION_VIEWED},
    ]
    assert table_of(files["actions.parquet"]).to_pylist() == [{"action_id": "app", "properties": '{"kind":"sign-up"}'}]
    assert DatasetManifest.from_json(files["manifest.json"]).interactions == 10


def test_imported_action_interactions_are_in_the_dataset_once(dataset, aws, lake_bucket):
    time_s = NOW_MS // 1000 - 60
    row = {"USER_ID": "user1", "ACTION_ID": "app", "TIMESTAMP": time_s, "EVENT_TYPE": "Taken", "IMPRESSION": "app|mail"}
    checked = check(pa.Table.from_pylist([row]), default_event_type="view", now_ms=NOW_MS, actions=True)
    with LakeWriter(aws("s3"), lake_bucket) as writer:
        for file in ("one", "two"):
            for written in writer.start(checked.good, content_id=file, chunk=0):
                written.result()

    rows = table_of(dataset()["action_interactions.parquet"]).to_pylist()

    row_fields = {"profile_id": "u#user1", "event_time_ms": time_s * 1000}
    assert rows == [
        {**row_fields, "action_id": "app", "event_type": ACTION_TAKEN},
        {**row_fields, "action_id": "mail", "event_type": ACTION_VIEWED},
    ]


def one_more_shopper():
    """Return purchases that keep pear and plum in the dataset when a user is excluded."""
    bought = [interaction(f"m{item}", user_id="user9", session_id=None, item_id=item) for item in ("pear", "plum")]
    return stream_records(kinesis_event(bought, first=90))


def profiles_in(files):
    table = pq.read_table(io.BytesIO(files["interactions.parquet"]), columns=["profile_id"])
    return set(table["profile_id"].to_pylist())


def test_erased_users_are_excluded_before_their_purge(dataset, archived, erase):
    archived(one_more_shopper())
    erase("user1")

    files = dataset()

    assert "u#user1" not in profiles_in(files)
    assert "u#user2" in profiles_in(files)
    assert DatasetManifest.from_json(files["manifest.json"]).dropped["erased_user"] == 2


def test_session_events_of_erased_user_before_login_are_excluded(dataset, archived, erase):
    session = [
        interaction("s1", user_id=None, session_id="s", item_id="pear", event_time_ms=NOW_MS - 9),
        interaction("s2", user_id="user1", session_id="s", item_id="plum", event_time_ms=NOW_MS - 8),
    ]
    archived(stream_records(kinesis_event(session, first=50)))
    archived(one_more_shopper())
    erase("user1")

    files = dataset()

    assert DatasetManifest.from_json(files["manifest.json"]).dropped["erased_user"] == 4
    assert "s#s" not in profiles_in(files)


def test_user_erased_during_the_build_fails_the_dataset(dataset, erase, aws, artefact_bucket, monkeypatch):
    def clean_then_erase(*arguments, **options):
        cleaned = clean(*arguments, **options)
        erase("user1")
        return cleaned

    monkeypatch.setattr(service, "clean", clean_then_erase)

    with pytest.raises(InvalidDataset, match="1 of the users in the dataset are erased, expected none"):
        dataset()

    written = aws("s3").list_objects_v2(Bucket=artefact_bucket, Prefix="datasets/")
    assert "Contents" not in written
