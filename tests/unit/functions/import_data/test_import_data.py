"""Files of import jobs, which are stored as interactions, items, users and actions."""

import tempfile
import time

import orjson
import pytest

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.catalogue.items import CatalogueStore
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration_document.client_resources import OwnNames
from alsolike.declarations.limits import MAX_ACTIONS
from alsolike.declarations.storage import OWN_NAMES_KEY
from alsolike.events.action_events import ActionEvent, action_events
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN, ACTION_VIEWED
from alsolike.lake.quarantine import Kind, read_dead_letter
from alsolike.privacy.tombstones import add_session_tombstones, add_tombstone
from alsolike.privacy.user_matcher import Owner, UserMatcher
from alsolike.runtime.errors import InvalidInput
from functions.import_data import handler, quarantine
from tests.builders.lambda_events import LambdaContext
from tests.builders.parquet import table_of
from tests.fakes.places import create_bucket, objects

INTERACTIONS = b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n1,a,1500000000,Watch\n1,b,1500086400,purchase\n,c,1500086400,\n"


@pytest.fixture
def environment(lake_bucket, artefact_bucket, profiles_table, catalogue_table, users_table, pseudonyms, set_variables):
    set_variables(DEPLOYMENT="shop")


@pytest.fixture
def uploads(aws, environment, monkeypatch, tmp_path):
    monkeypatch.setattr(handler, "session_clients", lambda: aws)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    create_bucket(aws("s3"), "uploads")

    def put(key, body):
        aws("s3").put_object(Bucket="uploads", Key=key, Body=body)

    return put


def run(dataset, key):
    event = {"job": "first", "dataset": dataset, "location": f"s3://uploads/{key}"}
    return handler.lambda_handler(event, LambdaContext())


@pytest.fixture
def lake_rows(aws, lake_bucket):
    def read():
        contents = objects(aws("s3"), lake_bucket, "interactions/").values()
        return [row for content in contents for row in table_of(content).to_pylist()]

    return read


def test_undeclared_event_types_count_as_views(uploads, lake_rows):
    uploads("history/a.csv", INTERACTIONS)

    counts = run("INTERACTIONS", "history/")

    assert counts == {"imported": 2, "rejected": 1, "quarantined": 1, "reasons": "USER_ID is missing (1)"}
    rows = lake_rows()
    assert sorted((row["item_id"], row["event_type"]) for row in rows) == [("a", "view"), ("b", "purchase")]
    assert run("INTERACTIONS", "history/") == counts


@pytest.mark.parametrize(
    ("dataset", "key", "table"), [("ITEMS", "ITEM_ID", "catalogue"), ("USERS", "USER_ID", "users")]
)
def test_items_and_users_are_stored_in_their_tables(uploads, aws, dataset, key, table):
    uploads("rows.csv", f"{key},PRICE\na,1.5\nb,2\n".encode())

    assert run(dataset, "rows.csv") == {"imported": 2, "rejected": 0, "quarantined": 0, "reasons": ""}
    assert aws("dynamodb").scan(TableName=table)["Count"] == 2


def test_item_values_have_the_types_of_their_schema(uploads, aws, artefact_bucket):
    names = OwnNames({}, {}, {"year": ColumnType.STRING, "genre": ColumnType.LIST, "price": ColumnType.NUMBER})
    aws("s3").put_object(Bucket=artefact_bucket, Key=OWN_NAMES_KEY, Body=names.to_json())
    uploads("items.csv", b"ITEM_ID,YEAR,GENRE,PRICE\na,1995,Drama,cheap\nb,1996,Crime|Drama,2\n")

    counts = run("ITEMS", "items.csv")

    assert (counts["imported"], counts["reasons"]) == (1, "PRICE is not a number (1)")
    item = CatalogueStore(aws("dynamodb"), "catalogue").get("b").row
    assert item.properties == {"year": "1996", "genre": "Crime|Drama", "price": 2}


ACTIONS = b"""ACTION_ID,VALUE,REPEAT_FREQUENCY,ACTION_EXPIRATION_TIMESTAMP,KIND,TAGS,IS_NEW
app,2.5,7,1900000000,sign-up,new|web,true
mail,-1,,,offer,shop|web,false
card,1,,2030-01-01T00:00:00Z,offer,new|shop,false
sms,cheap,,,offer,,
"""


def test_actions_are_stored_with_the_columns_of_their_schema(uploads, aws, artefact_bucket):
    uploads("actions.csv", ACTIONS)

    counts = run("ACTIONS", "actions.csv")

    reasons = "value is -1, expected at least 0 (1); VALUE is not a number (1)"
    assert counts == {"imported": 2, "rejected": 2, "quarantined": 2, "reasons": reasons}
    app = {"value": 2.5, "repeatFrequency": 7, "actionExpirationTimestamp": 1_900_000_000}
    card = {"value": 1, "actionExpirationTimestamp": 1_893_456_000}
    stored = [
        Action("app", {**app, "kind": "sign-up", "tags": ["new", "web"], "isNew": True}),
        Action("card", {**card, "kind": "offer", "tags": ["new", "shop"], "isNew": False}),
    ]
    assert ActionStore(aws("s3"), artefact_bucket).all() == stored
    assert run("ACTIONS", "actions.csv") == counts
    assert ActionStore(aws("s3"), artefact_bucket).all() == stored


def test_imported_actions_replace_actions_with_the_same_ids(uploads, aws, artefact_bucket):
    store = ActionStore(aws("s3"), artefact_bucket)
    store.put([Action("app", {"value": 1, "kind": "offer"}), Action("mail", {})], now_ms=0)
    uploads("all/1.csv", b"ACTION_ID,VALUE\napp,2\ncard,3\n")
    uploads("all/2.csv", b"ACTION_ID,VALUE\ncard,4\n")

    assert run("ACTIONS", "all/")["imported"] == 3

    assert store.all() == [Action("app", {"value": 2}), Action("card", {"value": 4}), Action("mail", {})]


def test_actions_above_the_limit_fail_the_job_and_change_nothing(uploads, aws, artefact_bucket):
    store = ActionStore(aws("s3"), artefact_bucket)
    store.put([Action("app", {})], now_ms=0)
    uploads("actions.csv", b"ACTION_ID\n" + b"".join(b"new-%d\n" % number for number in range(MAX_ACTIONS)))

    with pytest.raises(InvalidInput, match="there would be 1,001 actions, expected at most 1,000"):
        run("ACTIONS", "actions.csv")

    assert store.all() == [Action("app", {})]


def test_file_without_action_ids_fails_the_job(uploads):
    uploads("actions.csv", b"ITEM_ID,VALUE\napp,2\n")

    with pytest.raises(InvalidInput, match="misses ACTION_ID; its columns are ITEM_ID, VALUE"):
        run("ACTIONS", "actions.csv")


ACTION_INTERACTIONS = b"""USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP,IMPRESSION,EVENT_VALUE,CHANNEL
ann,app,TAKEN,1500000000,app|mail,high,web
bob,app,Not Taken,2017-07-14T02:40:01Z,,,
cid,mail,viewed,1500000002,,,
cid,,Taken,1500000003,,,
cid,mail,clicked,1500000004,,,
cid,mail,,1500000005,,,
cid,mail,Taken,yesterday,,,
,mail,Taken,1500000006,,,
"""


def test_action_interactions_are_written_to_the_lake(uploads, lake_rows):
    uploads("a.csv", ACTION_INTERACTIONS)

    counts = run("ACTION_INTERACTIONS", "a.csv")

    assert (counts["imported"], counts["rejected"]) == (3, 5)
    assert "EVENT_TYPE is unknown, expected Taken, Not Taken or Viewed (2)" in counts["reasons"]
    rows = sorted(lake_rows(), key=lambda row: row["event_time_ms"])
    assert [(row["user_id"], row["item_id"], row["event_value"], row["impression"]) for row in rows] == [
        (user, None, None, []) for user in ("ann", "bob", "cid")
    ]
    events = [action_events(row["event_time_ms"], row["event_type"], row["properties"]) for row in rows]
    assert events == [
        [ActionEvent(1_500_000_000_000, "app", ACTION_TAKEN), ActionEvent(1_500_000_000_000, "mail", ACTION_VIEWED)],
        [ActionEvent(1_500_000_001_000, "app", ACTION_NOT_TAKEN)],
        [ActionEvent(1_500_000_002_000, "mail", ACTION_VIEWED)],
    ]
    assert orjson.loads(rows[0]["properties"])["properties"] == {"channel": "web"}


def test_repeated_action_interactions_have_one_event_id(uploads, lake_rows):
    header, first, *_ = ACTION_INTERACTIONS.splitlines(keepends=True)
    uploads("a.csv", header + first)
    uploads("b.csv", header + first + b"ann,mail,Taken,1500000000,,,\n")
    run("ACTION_INTERACTIONS", "a.csv")
    before = lake_rows()

    run("ACTION_INTERACTIONS", "a.csv")

    assert lake_rows() == before
    run("ACTION_INTERACTIONS", "b.csv")
    assert len(lake_rows()) == 3
    assert len({row["event_id"] for row in lake_rows()}) == 2  # Trainings count each ID once.


def test_action_interaction_with_more_than_25_impressions_is_rejected(uploads):
    shown = "|".join(f"action-{number}" for number in range(26))
    rows = f"ann,app,Taken,1,{shown}\nann,app,Taken,2,{shown.removesuffix('|action-25')}\n"
    uploads("a.csv", b"USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP,IMPRESSION\n" + rows.encode())

    counts = run("ACTION_INTERACTIONS", "a.csv")

    assert (counts["imported"], counts["reasons"]) == (1, "IMPRESSION has more than 25 action IDs (1)")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"USER_ID,ACTION_ID,TIMESTAMP", "misses EVENT_TYPE"),
        (b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", "misses ACTION_ID"),
        (b"USER_ID,ACTION_ID,TIMESTAMP,EVENT_TYPE,ITEM_ID", "has ITEM_ID, expected interactions with actions only"),
    ],
)
def test_action_interaction_file_with_wrong_columns_fails_the_job(uploads, header, message):
    uploads("a.csv", header + b"\n")

    with pytest.raises(InvalidInput, match=message):
        run("ACTION_INTERACTIONS", "a.csv")


def test_file_without_a_valid_row_fails_the_job(uploads):
    uploads("a.csv", b"USER_ID,ITEM_ID,TIMESTAMP\n,a,1500000000\n")

    with pytest.raises(InvalidInput, match="no valid row: USER_ID is missing"):
        run("INTERACTIONS", "a.csv")


@pytest.fixture
def held(aws, lake_bucket):
    def read():
        contents = objects(aws("s3"), lake_bucket, "quarantine/")
        return [read_dead_letter(key, body, written_ms=0) for key, body in contents.items()]

    return read


BAD = b"USER_ID,ITEM_ID,TIMESTAMP\nann,a,1500000000\nbob,b,yesterday\ncid,,1500000000\neve,x,1500000000,more\n"


def test_rejected_rows_are_quarantined_with_their_reasons(uploads, held):
    uploads("a.csv", BAD)

    counts = run("INTERACTIONS", "a.csv")

    letters = sorted(held(), key=lambda letter: letter.records[0].sequence)
    assert (counts["rejected"], counts["quarantined"]) == (3, 3)
    assert [(letter.kind, letter.can_be_replayed) for letter in letters] == [(Kind.IMPORT, False)] * 3
    assert letters[0].reason.startswith("TIMESTAMP is")
    row = {"user_id": "bob", "item_id": "b", "timestamp": "yesterday"}
    assert orjson.loads(letters[0].records[0].data) == {"file": "s3://uploads/a.csv", "line": 3, **row}
    assert letters[1].reason == "ITEM_ID is missing"


def test_rejected_rows_do_not_stay_on_the_functions_disk(uploads, tmp_path):
    """Lambda keeps the disk for the next calls, and the files of rejected rows contain data of users."""
    uploads("a.csv", BAD)

    run("INTERACTIONS", "a.csv")

    assert list(tmp_path.iterdir()) == []


def test_erasure_matches_only_quarantined_rows_of_the_user(uploads, held):
    uploads("a.csv", BAD)
    run("INTERACTIONS", "a.csv")

    records = [letter.records[0] for letter in held()]

    for user in ("bob", "eve"):
        matcher = UserMatcher(user)
        assert [matcher.owner(record.data) for record in records].count(Owner.USER) == 1


def test_row_with_session_of_an_erased_user_is_not_quarantined(uploads, held, aws, artefact_bucket, pseudonyms):
    add_tombstone(aws("s3"), artefact_bucket, pseudonyms.erased_user("bob"), now_ms=1)
    now_ms = time.time_ns() // 1_000_000
    add_session_tombstones(aws("s3"), artefact_bucket, [pseudonyms.shopper("visit-7")], now_ms=now_ms)
    uploads(
        "a.csv", b"USER_ID,SESSION_ID,ITEM_ID,TIMESTAMP\n,visit-7,a,yesterday\n,visit-8,b,yesterday\nx,,c,1500000000\n"
    )

    counts = run("INTERACTIONS", "a.csv")

    assert (counts["rejected"], counts["quarantined"]) == (2, 1)
    assert not [letter for letter in held() if b"visit-7" in letter.records[0].data]


def test_rows_of_erased_users_are_not_quarantined(uploads, held, erase):
    erase("bob")
    uploads("a.csv", BAD)

    counts = run("INTERACTIONS", "a.csv")

    assert (counts["rejected"], counts["quarantined"]) == (3, 2)
    assert not [letter for letter in held() if b"bob" in letter.records[0].data]


def test_pseudonymised_deployment_quarantines_no_rows(uploads, held, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")
    uploads("a.csv", BAD)

    assert run("INTERACTIONS", "a.csv")["quarantined"] == 0
    assert held() == []


def test_rejected_rows_above_the_quarantine_limit_are_only_counted(uploads, held, monkeypatch):
    monkeypatch.setattr(quarantine, "MAX_ROWS", 2)
    uploads("a.csv", BAD)

    counts = run("INTERACTIONS", "a.csv")

    assert (counts["rejected"], counts["quarantined"], len(held())) == (3, 2, 2)
