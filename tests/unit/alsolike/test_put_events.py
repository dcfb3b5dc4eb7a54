"""Personalize's PutEvents call."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.errors import InvalidInput
from alsolike.interactions import Interaction, parse_put_events, parse_record
from tests.unit.alsolike.records import TIME_MS


def event(**changes: Any) -> dict[str, Any]:
    return {"eventType": "View", "sentAt": TIME_MS // 1000, "itemId": "i1", **changes}


def call(*events: Any, **changes: Any) -> bytes:
    return orjson.dumps({"trackingId": "t", "sessionId": "s1", "userId": "u1", "eventList": list(events), **changes})


def parse(*events: Any, **changes: Any) -> list[Interaction]:
    return parse_put_events(call(*events, **changes), now_ms=TIME_MS)


def test_a_full_event_becomes_an_interaction() -> None:
    full = event(
        eventId="e1",
        eventValue=12.5,
        properties='{"colour": "red"}',
        recommendationId="r1",
        impression=["i1", "i2"],
        metricAttribution={"eventAttributionSource": "mail"},
    )

    assert parse(full) == [
        Interaction(
            event_id="e1",
            user_id="u1",
            session_id="s1",
            item_id="i1",
            event_type="view",
            event_value=12.5,
            event_time_ms=TIME_MS,
            recommendation_id="r1",
            impression=("i1", "i2"),
            properties='{"colour":"red","eventAttributionSource":"mail"}',
            received_time_ms=TIME_MS,
        )
    ]


@pytest.mark.parametrize(
    ("sent_at", "event_time_ms"),
    [
        (1_700_000_000, 1_700_000_000_000),
        (1_700_000_000.1234, 1_700_000_000_123),
        (1_699_999_999_999, 1_699_999_999_999),  # milliseconds, as Date.now() gives them
        (1, 1000),
    ],
)
def test_seconds_and_milliseconds_are_told_apart(sent_at: float, event_time_ms: int) -> None:
    assert parse(event(sentAt=sent_at))[0].event_time_ms == event_time_ms


@pytest.mark.parametrize(
    ("sent_at", "message"),
    [
        (None, "sentAt is missing, expected seconds since 1970"),
        (True, "sentAt is true, expected a number"),
        ("2023-11-14", 'sentAt is "2023-11-14", expected a number'),
        (0, "sentAt is 0, expected a time after 1970"),
        (-5, "sentAt is -5, expected a time after 1970"),
        (1_700_000_301, "sentAt is 1700000301, more than 5 minutes in the future"),
        (999_999_999_999, "sentAt is 999999999999, more than 5 minutes in the future"),
        (1_700_000_000_000_000, "sentAt is 1.7e+15, more than 5 minutes in the future"),
        (1e300, "sentAt is 1e+300, more than 5 minutes in the future"),
    ],
)
def test_a_time_that_cannot_be_is_refused(sent_at: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse(event(sentAt=sent_at))

    assert str(error.value).startswith(f"eventList[0].{message}")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (7, "eventList[0] is 7, expected an object"),
        (event(itemId=None), "eventList[0].itemId is missing, expected a non-empty string"),
        (event(itemId=[[1]]), "eventList[0].itemId is [[1]], expected a non-empty string"),
        (event(eventType="rating"), "eventList[0].eventType is 'rating', expected one of view, click, cart, purchase"),
        (event(eventValue=True), "eventList[0].eventValue is true, expected a number"),
        (event(eventId=""), 'eventList[0].eventId is "", expected a non-empty string'),
        (event(impression=[]), "eventList[0].impression has 0 elements, expected 1 to 25"),
        (event(impression=["i"] * 26), "eventList[0].impression has 26 elements, expected 1 to 25"),
        (event(impression=["i", ""]), 'eventList[0].impression[1] is "", expected a non-empty string'),
        (event(recommendationId="r" * 41), "eventList[0].recommendationId has 41 characters, expected at most 40"),
        (event(properties='{"a":"' + "x" * 1024 + '"}'), "eventList[0].properties has 1032 characters"),
        (event(itemID="i"), "eventList[0].itemID is not a known field"),
        (event(metricAttribution={}), "eventList[0].metricAttribution.eventAttributionSource is missing"),
        (
            event(metricAttribution={"eventAttributionSource": "a", "b": 1}),
            "eventList[0].metricAttribution.b is not a known field",
        ),
    ],
)
def test_one_wrong_event_refuses_the_call_by_name(wrong: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse(wrong, event())

    assert str(error.value).startswith(message)


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
def test_a_wrong_call_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse(event(), **changes)

    assert str(error.value) == message


def test_deep_json_in_any_field_is_refused() -> None:
    deep = "[" * 300 + "]" * 300
    for name in ("eventType", "itemId", "eventId", "properties", "impression", "metricAttribution"):
        body = call(event(**{name: "HERE"})).replace(b'"HERE"', deep.encode())

        with pytest.raises(InvalidInput, match=r"^body is nested more than 32 deep$"):
            parse_put_events(body, now_ms=TIME_MS)


def test_a_repeated_call_brings_the_same_event_ids_at_any_time() -> None:
    body = call(event(), event(), event(itemId="i2"))

    first = [each.event_id for each in parse_put_events(body, now_ms=TIME_MS)]
    second = [each.event_id for each in parse_put_events(body, now_ms=TIME_MS + 5000)]

    assert first == second
    assert len(set(first)) == 3


def test_another_user_or_session_makes_other_event_ids() -> None:
    found = {parse(event(), **changes)[0].event_id for changes in ({}, {"userId": "u2"}, {"sessionId": "s2"})}

    assert len(found) == 3


def test_a_session_without_user_is_enough() -> None:
    assert parse(event(), userId=None)[0].profile_id == "s#s1"


@given(st.text("1e,[]5", max_size=1000), st.text(max_size=1024))
def test_every_accepted_call_makes_readable_records(numbers: str, source: str) -> None:
    """JSON written again may be longer than what was sent; the record's own limit has to hold it."""
    properties = f'{{"a":[{numbers}]}}'
    body = call(event(properties=properties, metricAttribution={"eventAttributionSource": source}))
    try:
        accepted = parse_put_events(body, now_ms=TIME_MS)
    except InvalidInput:
        return

    assert [parse_record(each.to_record(), arrived_ms=each.received_time_ms) for each in accepted] == accepted


def test_properties_that_grow_most_make_a_readable_record() -> None:
    properties = '{"a":[' + ",".join(["1e15"] * 203) + "]}"
    source = '"' * 1024
    assert len(properties) == 1022

    found = parse(event(properties=properties, metricAttribution={"eventAttributionSource": source}))[0]

    assert len(found.properties) > 5000
    assert parse_record(found.to_record(), arrived_ms=found.received_time_ms) == found
