import orjson
import pytest

from alsolike.configuration.configuration import Configuration, EventType
from alsolike.declarations.limits import MAX_EVENTS_BODY_BYTES
from alsolike.events.interactions import parse_record
from functions.collect import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event
from tests.unit.functions.collect.events import CALL, EVENT, interaction, stored_records


def event(**fields):
    changed = {**EVENT, **fields}
    return {**CALL, "eventList": [{name: value for name, value in changed.items() if value is not None}]}


def test_events_are_put_on_the_stream_under_their_user(collect, aws, counted):
    events = [EVENT, {**EVENT, "itemId": "plum", "eventType": "AddToCart"}]

    answer = collect("POST /events", {**CALL, "eventList": events})

    assert (answer["statusCode"], answer["document"]) == (200, {})
    records = stored_records(aws("kinesis"))
    interactions = [interaction(record) for record in records]
    assert [record["PartitionKey"] for record in records] == ["u#anna", "u#anna"]
    fields = [(event.item_id, event.event_type, event.event_time_ms) for event in interactions]
    assert fields == [("pear", "view", NOW_MS), ("plum", "cart", NOW_MS)]
    assert counted()["EventsAccepted"] == 2


def test_anonymous_event_is_put_on_the_stream_under_its_session(collect, aws):
    collect("POST /events", {name: value for name, value in CALL.items() if name != "userId"})

    assert [record["PartitionKey"] for record in stored_records(aws("kinesis"))] == ["s#s1"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "body is not valid JSON: "),
        (b" " * MAX_EVENTS_BODY_BYTES + b"{}", "body has 1000002 bytes, expected at most 1000000"),
        (event(eventType="Rating"), "eventList[0].eventType "),
    ],
)
def test_invalid_call_is_refused_with_its_reason_and_stores_nothing(body, reason, collect, stored, counted):
    answer = collect("POST /events", body)

    assert answer["statusCode"] == 400
    assert answer["headers"]["x-amzn-errortype"] == "InvalidInputException"
    assert answer["document"]["message"].startswith(reason)
    assert answer["document"].keys() == {"message"}
    assert stored() == []
    assert counted() == {"RequestsRejected": 1, "EventsRejected": 1}


@pytest.mark.parametrize(
    ("body", "encoded", "cause"),
    [
        ('{"userId": "anna@example.com \ud800"}', False, "UnicodeEncodeError"),
        ("anna@example.com", True, "Error"),  # The error class of binascii.
        ('{"userId": anna@example.com}', False, "JSONDecodeError"),
        ('{"userId": ["anna@example.com"]}', False, "NoneType"),
    ],
)
def test_refused_body_is_not_logged(body, encoded, cause, collect, logged):
    request = {**http_event("POST /events", b""), "body": body, "isBase64Encoded": encoded}

    answer = handler.lambda_handler(request, LambdaContext())

    assert answer["statusCode"] == 400
    (line,) = [line for line in map(orjson.loads, logged().splitlines()) if line["level"] == "WARNING"]
    assert (line["message"], line["error_type"], line["cause_type"]) == ("request refused", "InvalidInput", cause)
    assert "anna" not in logged()


def test_missing_stream_returns_503(collect, aws):
    aws("kinesis").delete_stream(StreamName="events")

    answer = collect("POST /events", CALL)

    assert answer["statusCode"] == 503
    assert answer["headers"]["x-amzn-errortype"] == "ServiceUnavailableException"


def test_other_tracking_id_returns_404_and_stores_nothing(collect, stored):
    answer = collect("POST /events", {**CALL, "trackingId": "other"})

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert stored() == []


def test_events_from_the_future_are_accepted_and_counted(collect, aws, counted):
    """Consumers compare the event time with the arrival time, and write rejected events to quarantine."""
    far, near = {**EVENT, "sentAt": NOW_MS / 1000 + 301}, {**EVENT, "sentAt": NOW_MS / 1000 + 299}

    answer = collect("POST /events", {**CALL, "eventList": [far, near]})

    assert answer["statusCode"] == 200
    assert len(stored_records(aws("kinesis"))) == 2
    assert counted() == {"EventsAccepted": 2, "EventsAhead": 1}


def test_new_event_type_is_accepted_immediately(collect, aws, configure):
    assert collect("POST /events", event(eventType="Rating"))["statusCode"] == 400

    configure({"events": {"rating": {"weight": 2}}})

    assert collect("POST /events", event(eventType="Rating"))["statusCode"] == 200
    assert [interaction.event_type for interaction in _unchecked(aws("kinesis"))] == ["rating"]


def _unchecked(kinesis):
    rating = Configuration(events={"rating": EventType("rating", 2)})
    return [parse_record(record["Data"], arrived_ms=NOW_MS, configuration=rating) for record in stored_records(kinesis)]


def test_event_has_the_correlation_id_and_agent_of_its_request(collect, stored, counted):
    request = http_event("POST /events", CALL)
    request["headers"] |= {"x-correlation-id": "order-17", "x-alsolike-agent": "assistant"}

    answer = handler.lambda_handler(request, LambdaContext())
    again = collect("POST /events", CALL)

    assert (answer["headers"]["x-correlation-id"], again["headers"]["x-correlation-id"]) == ("order-17", "r1")
    first, second = stored()
    assert [(event.correlation_id, event.agent) for event in (first, second)] == [
        ("order-17", "assistant"),
        ("r1", None),
    ]
    assert counted()["AgentRequests"] == 1
    assert first.event_id == second.event_id
    assert collect("POST /events", {})["headers"]["x-correlation-id"] == "r1"  # A rejection has the correlation ID too.
