import time

import orjson
import pytest

from alsolike.declarations.storage import CONFIGURATION_KEY
from alsolike.lake.quarantine import Kind, QuarantinedRecord, read_dead_letter
from alsolike.runtime.errors import Unavailable
from functions.read_kafka import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext, kafka_event
from tests.fakes.places import create_bucket, objects
from tests.unit.functions.collect.events import CALL, EVENT, TRACKING_ID, interaction, stored_records

GOOD = orjson.dumps(CALL)
FOLDER = "quarantine/dt=2026-09-21/kafka-shop-events-0-"


@pytest.fixture
def read(aws, artefact_bucket, lake_bucket, set_variables, monkeypatch):
    aws("kinesis").create_stream(StreamName="events", ShardCount=1)
    set_variables(STREAM_NAME="events", TRACKING_ID=TRACKING_ID)
    monkeypatch.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)
    return lambda event: handler.lambda_handler(event, LambdaContext())


@pytest.fixture
def stored(aws):
    return lambda: stored_records(aws("kinesis"))


@pytest.fixture
def partitions(stored):
    return lambda: [record["PartitionKey"] for record in stored()]


@pytest.fixture
def quarantined(aws, lake_bucket):
    def load():
        return {key: QuarantinedRecord.from_json(body) for key, body in objects(aws("s3"), lake_bucket).items()}

    return load


def body(**changes):
    return orjson.dumps({**CALL, **changes})


def test_records_are_put_on_the_stream_as_events(read, stored, partitions, counted):
    read(kafka_event(GOOD, body(userId="ben", eventList=[EVENT, {**EVENT, "eventId": "e9"}]), first=40))

    found = [interaction(record) for record in stored()]
    assert partitions() == ["u#anna", "u#ben", "u#ben"]
    assert [(one.item_id, one.event_type, one.event_time_ms) for one in found] == [("pear", "view", NOW_MS)] * 3
    assert [one.correlation_id for one in found] == ["kafka:0:40", "kafka:0:41", "kafka:0:41"]
    assert found[2].event_id == "e9"
    assert counted() == {"EventsAccepted": 3}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "body is not valid JSON"),
        (b"", "body is not valid JSON"),
        (body(trackingId="other"), 'trackingId is "other", expected alsolike-test'),
        (body(eventList=[{**EVENT, "eventType": "Teleport"}]), "eventType is 'Teleport'"),
    ],
)
def test_invalid_record_is_quarantined_and_others_are_accepted(value, reason, read, partitions, quarantined, counted):
    read(kafka_event(GOOD, value, body(userId="ben"), first=7))

    assert partitions() == ["u#anna", "u#ben"]
    ((key, held),) = quarantined().items()
    assert key == f"{FOLDER}8.json"
    assert reason in held.reason
    assert (held.record.stream, held.record.sequence, held.record.data) == ("shop-events", "8", value)
    assert held.record.arrived_ms == NOW_MS + 1
    assert counted() == {"EventsAccepted": 2, "RecordsQuarantined": 1}


def test_invalid_event_is_quarantined_and_others_of_its_record_accepted(read, stored, quarantined):
    read(kafka_event(body(eventList=[EVENT, {**EVENT, "sentAt": "today"}, {**EVENT, "itemId": "plum"}])))

    assert [interaction(record).item_id for record in stored()] == ["pear", "plum"]
    (held,) = quarantined().values()
    assert held.reason == 'eventList[1].sentAt is "today", expected a number'


def test_record_with_invalid_time_is_quarantined_by_its_arrival_date(read, quarantined):
    event = kafka_event(b"{")
    event["records"]["shop-events-0"][0]["timestamp"] = -1

    read(event)

    assert [*quarantined()] == [f"{FOLDER}0.json"]


def test_quarantined_kafka_record_cannot_be_replayed(read, quarantined):
    read(kafka_event(b"{"))

    ((key, held),) = quarantined().items()
    letter = read_dead_letter(key, held.to_json(), written_ms=0)
    assert (letter.kind, letter.can_be_replayed) == (Kind.KAFKA, False)


def test_records_of_several_partitions_are_read(read, partitions):
    event = kafka_event(GOOD)
    event["records"] |= kafka_event(body(userId="ben"), partition=3)["records"]

    read(event)

    assert partitions() == ["u#anna", "u#ben"]


def test_new_event_type_is_accepted_immediately(read, stored, configure):
    read(kafka_event(GOOD))
    configure({"events": {"rating": {"weight": 2}}})

    read(kafka_event(body(eventList=[{**EVENT, "eventType": "rating"}])))

    assert [interaction_type(record) for record in stored()] == ["view", "rating"]


def test_configuration_is_read_again_once_per_batch(read, cloud):
    read(kafka_event(GOOD))
    cloud.calls.clear()

    read(kafka_event(*[body(eventList=[{**EVENT, "eventType": "shrug"}])] * 3))

    assert [call.operation for call in cloud.calls if call.request.get("Key") == CONFIGURATION_KEY] == ["s3.GetObject"]


def interaction_type(record):
    return str(orjson.loads(record["Data"])["event_type"])


@pytest.mark.parametrize(
    "value",
    [
        GOOD,
        body(eventList=[]),
        body(eventList=[{**EVENT, "sentAt": "today"}]),
        body(userId=["anna"]),
        GOOD[:-20],
        GOOD.decode().encode("utf-16"),
    ],
)
def test_records_of_erased_users_are_not_stored(value, read, erase, partitions, quarantined):
    erase("anna")

    read(kafka_event(value, body(userId="ben")))

    assert partitions() == ["u#ben"]
    assert quarantined() == {}


def test_quarantine_contains_only_pseudonymised_ids(read, monkeypatch, pseudonyms, quarantined):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")

    read(kafka_event(body(eventList=[{}]), body(userId=4711), b'{"userId": "anna"'))

    by_name, by_number, broken = quarantined().values()
    stored = orjson.loads(by_name.record.data)
    assert (stored["userId"], stored["sessionId"]) == (pseudonyms.user("anna"), pseudonyms.session("s1"))
    assert b"4711" not in by_number.to_json()
    assert by_number.reason == "userId is …, expected a non-empty string"
    assert broken.record.data == b""


def test_pseudonymised_record_is_quarantined_without_unknown_fields(read, monkeypatch, pseudonyms, quarantined):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")
    misspelt = {"trackingId": TRACKING_ID, "user_id": "anna", "sessionId": "s1", "eventList": [EVENT]}

    read(kafka_event(orjson.dumps(misspelt), body(eventList=[{**EVENT, "userId": "anna"}, "anna"])))

    held_call, held_events = (held.record.data for held in quarantined().values())
    assert orjson.loads(held_call) == {
        "trackingId": TRACKING_ID, "sessionId": pseudonyms.session("s1"), "eventList": [EVENT],
    }  # fmt: skip
    assert orjson.loads(held_events)["eventList"] == [EVENT]


def test_missing_stream_fails_the_batch(read, aws, counted):
    aws("kinesis").delete_stream(StreamName="events")

    with pytest.raises(Unavailable, match="stream"):
        read(kafka_event(GOOD))

    assert counted() == {}


def test_missing_quarantine_bucket_fails_the_batch(read, stored, aws, lake_bucket):
    aws("s3").delete_bucket(Bucket=lake_bucket)
    with pytest.raises(Unavailable):
        read(kafka_event(GOOD, b"{"))

    create_bucket(aws("s3"), lake_bucket)
    read(kafka_event(GOOD, b"{"))
    assert len(stored()) == 1
