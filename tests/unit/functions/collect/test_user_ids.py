"""Events of erased users, which are not stored, and pseudonymised IDs."""

import orjson
import pytest

from tests.unit.functions.collect.events import ARN, CALL, interaction, stored_records

USERS = {"datasetArn": f"{ARN}/USERS", "users": [{"userId": "anna", "properties": '{"age": "30"}'}, {"userId": "ben"}]}


def rows(aws, table):
    return sorted(item["user_id"]["S"] for item in aws("dynamodb").scan(TableName=table)["Items"])


@pytest.fixture
def hashing(collect, monkeypatch, pseudonyms):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")
    return pseudonyms


def test_events_of_an_erased_user_are_accepted_and_not_stored(collect, stored, erase, counted):
    erase("anna")

    answer = collect("POST /events", CALL)
    collect("POST /events", {**CALL, "userId": "ben"})

    assert (answer["statusCode"], answer["document"]) == (200, {})
    assert [event.user_id for event in stored()] == ["ben"]
    assert counted() == {"EventsOfErasedUsers": 1, "EventsAccepted": 1}


def test_erased_user_is_not_stored_in_the_users_table(collect, aws, erase, users_table):
    erase("anna")

    assert collect("POST /users", USERS)["statusCode"] == 200

    assert rows(aws, users_table) == ["ben"]


@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("PATCH", {"age": "31"})])
def test_row_of_an_erased_user_returns_404_and_stays(collect, erase, aws, users_table, monkeypatch, method, body):
    monkeypatch.setenv("TOMBSTONE_CHECK_S", "0")
    collect("POST /users", USERS)
    before = aws("dynamodb").scan(TableName=users_table)["Items"]
    assert collect("GET /users/{userId}", path={"userId": "anna"})["statusCode"] == 200
    erase("anna")

    answer = collect(f"{method} /users/{{userId}}", body, path={"userId": "anna"})

    assert (answer["statusCode"], answer["document"]["message"]) == (404, "there is no user 'anna'")
    assert aws("dynamodb").scan(TableName=users_table)["Items"] == before


def test_events_are_refused_while_tombstones_are_unreadable(collect, aws, artefact_bucket, users_table, stored):
    collect("GET /users")  # The request loads the configuration, so that later only the tombstones are unreadable.
    aws("s3").put_object(Bucket=artefact_bucket, Key="privacy/tombstones.json", Body=b"?")

    assert collect("POST /events", CALL)["statusCode"] == 503

    assert stored() == []


def test_only_pseudonymised_ids_are_stored(collect, hashing, aws, users_table):
    collect("POST /events", CALL)
    collect("POST /users", USERS)

    (record,) = stored_records(aws("kinesis"))
    stored = interaction(record)
    assert (stored.user_id, stored.session_id) == (hashing.user("anna"), hashing.session("s1"))
    assert record["PartitionKey"] == f"u#{hashing.user('anna')}"
    assert b"anna" not in record["Data"]
    assert rows(aws, users_table) == sorted([hashing.user("anna"), hashing.user("ben")])


def test_generated_event_id_is_based_on_pseudonymised_ids(collect, hashing, stored, monkeypatch, start_new_process):
    """If the event ID were a hash of the plain user ID, trying all user IDs would find the user."""
    collect("POST /events", CALL)
    monkeypatch.setenv("PSEUDONYMISE_IDS", "0")
    start_new_process()
    collect("POST /events", {**CALL, "userId": hashing.user("anna"), "sessionId": hashing.session("s1")})

    first, second = (event.event_id for event in stored())
    assert first == second


def test_user_path_accepts_the_plain_id_of_a_pseudonymised_user(collect, hashing, users_table):
    collect("POST /users", USERS)

    answer = collect("GET /users/{userId}", path={"userId": "anna"})

    assert answer["document"]["userId"] == hashing.user("anna")
    assert orjson.loads(answer["body"])["properties"] == {"age": "30"}
