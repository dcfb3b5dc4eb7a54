import orjson
import pytest

from alsolike.api.put_events import parse_put_events
from alsolike.configuration.configuration import Configuration, EventType
from alsolike.events.interactions import Interaction, parse_record
from alsolike.runtime.errors import InvalidInput, NotFound, UnknownEventType
from tests.unit.alsolike.records import TIME_MS


def event(**changes):
    return {"eventType": "View", "sentAt": TIME_MS // 1000, "itemId": "i1", **changes}


def call(*events, **changes):
    return orjson.dumps({"trackingId": "t", "sessionId": "s1", "userId": "u1", "eventList": list(events), **changes})


def parse(*events, **changes):
    found = parse_put_events(call(*events, **changes), now_ms=TIME_MS)
    assert not found.refused, found.refused
    return list(found.interactions)


def refusals(*events):
    return [str(error) for error in parse_put_events(call(*events), now_ms=TIME_MS).refused]


def test_complete_event_becomes_an_interaction():
    full = event(
        eventId="e1", eventValue=12.5, properties='{"colour": "red"}', recommendationId="r1", impression=["i1", "i2"],
        metricAttribution={"eventAttributionSource": "mail"},
    )  # fmt: skip

    (interaction,) = parse(full)

    assert interaction == Interaction(
        event_id="e1", user_id="u1", session_id="s1", item_id="i1", event_type="view", event_value=12.5,
        event_time_ms=TIME_MS, recommendation_id="r1", impression=("i1", "i2"),
        properties='{"colour":"red","eventAttributionSource":"mail"}', received_time_ms=TIME_MS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sent_at", "event_time_ms"),
    [
        (1_700_000_000, 1_700_000_000_000),
        (1_700_000_000.1234, 1_700_000_000_123),
        (1_699_999_999_999, 1_699_999_999_999),  # Milliseconds, as `Date.now()` returns them.
        (1, 1000),
    ],
)
def test_event_time_is_read_in_seconds_or_milliseconds(sent_at, event_time_ms):
    assert parse(event(sentAt=sent_at))[0].event_time_ms == event_time_ms


@pytest.mark.parametrize(
    ("sent_at", "message"),
    [
        (None, "sentAt is missing, expected seconds since 1970"),
        (True, "sentAt is true, expected a number"),
        ("2023-11-14", 'sentAt is "2023-11-14", expected a number'),
        (0, "sentAt is 0, expected a time after 1970 and before the year 10000"),
        (-5, "sentAt is -5, expected a time after 1970"),
        (999_999_999_999, "sentAt is 999999999999, expected a time after 1970 and before the year 10000"),
        (1_700_000_000_000_000, "sentAt is 1.7e+15, expected a time after 1970"),
        (1e300, "sentAt is 1e+300, expected a time after 1970"),
    ],
)
def test_invalid_event_time_is_refused(sent_at, message):
    (refused,) = refusals(event(sentAt=sent_at))

    assert refused.startswith(f"eventList[0].{message}")


def test_future_event_time_is_accepted():
    """The stream's consumers compare the event time with the arrival time, and can quarantine the record."""
    assert parse(event(sentAt=TIME_MS // 1000 + 86_400))[0].event_time_ms == TIME_MS + 86_400_000


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (7, " is 7, expected an object"),
        (event(itemId=None), ".itemId is missing, expected a non-empty string"),
        (
            event(eventType="purchase", itemId=None, properties='{"query": "x"}'),
            ".itemId is missing, expected a non-empt",
        ),
        (event(properties='{"query": 7}'), ".properties.query is 7, expected a non-empty string"),
        (event(properties=f'{{"query": "{"x" * 1001}"}}'), ".properties.query has 1001 characters"),
        (event(itemId=[[1]]), ".itemId is [[1]], expected a non-empty string"),
        (event(eventType="rating"), ".eventType is 'rating', expected one of view, click, cart, purchase"),
        (event(eventValue=True), ".eventValue is true, expected a number"),
        (event(eventValue=1.7e308), ".eventValue is 1.7e+308, expected a number from -1e+09 to 1e+09"),
        (event(eventValue=-1000000001), ".eventValue is -1000000001, expected a number from -1e+09 to 1e+09"),
        (event(eventId=""), '.eventId is "", expected a non-empty string'),
        (event(impression=[]), ".impression has 0 elements, expected 1 to 25"),
        (event(impression=["i"] * 26), ".impression has 26 elements, expected 1 to 25"),
        (event(impression=["i", ""]), '.impression[1] is "", expected a non-empty string'),
        (event(recommendationId="r" * 41), ".recommendationId has 41 characters, expected at most 40"),
        (event(properties='{"a":"' + "x" * 1024 + '"}'), ".properties has 1032 characters"),
        (event(itemID="i"), ".itemID is not a known field"),
        (event(metricAttribution={}), ".metricAttribution.eventAttributionSource is missing"),
        (event(metricAttribution={"eventAttributionSource": "a", "b": 1}), ".metricAttribution.b is not a known field"),
    ],
)
def test_invalid_event_is_refused_with_its_field(wrong, message):
    (refused,) = refusals(wrong)

    assert refused.startswith(f"eventList[0]{message}")


def test_invalid_events_are_refused_individually():
    found = parse_put_events(
        call(event(itemId="i0"), event(itemId=None), event(itemId="i2"), event(eventType="Rating")), now_ms=TIME_MS
    )

    assert [each.item_id for each in found.interactions] == ["i0", "i2"]
    assert [str(error) for error in found.refused] == [
        "eventList[1].itemId is missing, expected a non-empty string",
        "eventList[3].eventType is 'Rating', expected one of view, click, cart, purchase, return, search",
    ]
    assert [isinstance(error, UnknownEventType) for error in found.refused] == [False, True]


def test_corrected_call_keeps_the_event_ids_of_valid_events():
    same, wrong, other = event(), event(itemId=None), event(itemId="i2")
    first = parse_put_events(call(same, wrong, same), now_ms=TIME_MS).interactions

    for corrected in ([same, other, same], [same, same]):
        found = parse(*corrected)
        assert [found[0].event_id, found[-1].event_id] == [each.event_id for each in first]


def test_search_is_an_event_without_an_item():
    (found,) = parse(event(eventType="Search", itemId=None, properties='{"query": "red shoes", "page": 2}'))

    assert (found.event_type, found.item_id, found.query) == ("search", None, "red shoes")
    assert found.properties == '{"page":2}'


def test_click_on_a_search_result_has_item_and_query():
    (found,) = parse(event(eventType="Click", properties='{"query": "red shoes"}'))

    assert (found.item_id, found.query, found.properties) == ("i1", "red shoes", "{}")


def test_empty_search_query_is_ignored():
    assert parse(event(properties='{"query": " "}'))[0].query is None
    assert parse(event(properties='{"query": null}'))[0].query is None
    assert refusals(event(eventType="search", itemId=None, properties='{"query": ""}')) == [
        "eventList[0].itemId and properties.query are missing, expected at least one"
    ]


def test_event_types_are_those_of_the_configuration():
    rent = Configuration(events={"rent": EventType("rent", 4.0)})

    found = parse_put_events(call(event(eventType="Rent"), event()), now_ms=TIME_MS, configuration=rent)

    assert [each.event_type for each in found.interactions] == ["rent"]
    assert [str(error) for error in found.refused] == ["eventList[1].eventType is 'View', expected one of rent"]


def test_other_tracking_id_raises_not_found():
    with pytest.raises(NotFound, match=r'^trackingId is "t", expected alsolike-dev$'):
        parse_put_events(call(event()), now_ms=TIME_MS, tracking_id="alsolike-dev")

    assert parse_put_events(call(event()), now_ms=TIME_MS, tracking_id="t").interactions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trackingId": None}, "trackingId is missing, expected a non-empty string"),
        ({"sessionId": None}, "sessionId is missing, expected a non-empty string"),
        ({"userId": ""}, 'userId is "", expected a non-empty string'),
        ({"eventList": []}, "eventList has 0 elements, expected 1 to 10"),
        ({"eventList": [event()] * 11}, "eventList has 11 elements, expected 1 to 10"),
        ({"user": "u"}, "user is not a known field, expected trackingId, userId, sessionId, eventList"),
    ],
)
def test_invalid_call_is_refused_with_its_field(changes, message):
    with pytest.raises(InvalidInput) as error:
        parse(event(), **changes)

    assert str(error.value) == message


def test_repeated_call_has_the_same_event_ids_at_any_time():
    body = call(event(), event(), event(itemId="i2"))

    first = [each.event_id for each in parse_put_events(body, now_ms=TIME_MS).interactions]
    second = [each.event_id for each in parse_put_events(body, now_ms=TIME_MS + 5000).interactions]

    assert first == second
    assert len(set(first)) == 3


def test_other_user_or_session_has_other_event_ids():
    found = {parse(event(), **changes)[0].event_id for changes in ({}, {"userId": "u2"}, {"sessionId": "s2"})}

    assert len(found) == 3


def test_session_without_user_is_accepted():
    assert parse(event(), userId=None)[0].profile_id == "s#s1"


def test_longest_properties_give_a_readable_stream_record():
    properties = '{"a":[' + ",".join(["1e15"] * 203) + "]}"
    source = '"' * 1024
    assert len(properties) == 1022

    found = parse(event(properties=properties, metricAttribution={"eventAttributionSource": source}))[0]

    assert len(found.properties) > 5000
    assert parse_record(found.to_record(), arrived_ms=found.received_time_ms) == found


def parse_signed(*events):
    found = parse_put_events(call(*events), now_ms=TIME_MS, is_signed=True)
    return list(found.interactions), [str(error) for error in found.refused]


@pytest.mark.parametrize("event_type", ["Watch", "EVENT_TYPE", "ViewCart"])
def test_personalize_client_may_send_undeclared_event_types(event_type):
    (found,), refused = parse_signed(event(eventType=event_type, properties='{"a": 1}'))

    assert (found.event_type, found.item_id, refused) == ("view", "i1", [])
    assert orjson.loads(found.properties) == {"a": 1, "eventType": event_type}


def test_declared_event_types_of_personalize_clients_are_kept():
    (found,), _ = parse_signed(event(eventType="AddToCart"))

    assert (found.event_type, found.properties) == ("cart", "{}")


@pytest.mark.parametrize("properties", ['{"itemId": "i2", "discount": "no"}', {"itemId": "i2", "discount": "no"}])
def test_personalize_client_may_send_the_item_as_a_property(properties):
    (found,), refused = parse_signed(event(itemId=None, properties=properties))

    assert (found.item_id, orjson.loads(found.properties), refused) == ("i2", {"discount": "no"}, [])


def test_item_id_field_precedes_the_item_id_property():
    (found,), _ = parse_signed(event(properties='{"itemId": "i2"}'))

    assert (found.item_id, orjson.loads(found.properties)) == ("i1", {"itemId": "i2"})


@pytest.mark.parametrize("element", ["no event", {"eventType": 5}, event(properties="{"), event(eventType="")])
def test_other_invalid_events_of_personalize_clients_are_refused(element):
    found, refused = parse_signed(element)

    assert (found, len(refused)) == ([], 1)
