"""Parsing of stream records."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType, Limits
from alsolike.events import interactions as contract
from alsolike.events.context import MAX_CHARACTERS, context_of
from alsolike.events.interactions import MAX_TIME_MS, Interaction, content_event_id, profile_id
from alsolike.records.interaction import SCHEMA_VERSION
from alsolike.runtime.errors import InvalidInput, UnknownEventType
from tests.unit.alsolike.records import TIME_MS, fields, ids, interaction, interactions, record


def parse_record(data, *, arrived_ms=TIME_MS, configuration=DEFAULT):
    return contract.parse_record(data, arrived_ms=arrived_ms, configuration=configuration)


@given(interactions())
def test_record_is_unchanged_after_write_and_parse(written):
    assert parse_record(written.to_record(), arrived_ms=written.received_time_ms) == written


@given(st.binary() | st.dictionaries(st.sampled_from(sorted(fields())), st.none() | st.text()).map(orjson.dumps))
def test_any_bytes_are_an_interaction_or_refused(data):
    try:
        found = parse_record(data)
    except InvalidInput:
        return

    assert isinstance(found, Interaction)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("schema_version", True, f"schema_version is true, expected {SCHEMA_VERSION} or older"),
        ("schema_version", 2.0, f"schema_version is 2.0, expected {SCHEMA_VERSION} or older"),
        ("schema_version", 99, f"schema_version is 99, expected {SCHEMA_VERSION} or older"),
        ("schema_version", 0, f"schema_version is 0, expected {SCHEMA_VERSION} or older"),
        ("schema_version", None, f"schema_version is missing, expected {SCHEMA_VERSION} or older"),
        ("event_id", "", 'event_id is "", expected a non-empty string'),
        ("event_id", None, "event_id is missing, expected a non-empty string"),
        ("event_id", "x" * 257, "event_id has 257 characters, expected at most 256"),
        ("user_id", 7, "user_id is 7, expected a non-empty string"),
        ("item_id", ["i"], r'item_id is \["i"\], expected a non-empty string'),
        ("item_id", None, "item_id and query are missing, expected at least one"),
        ("query", " ", 'query is " ", expected a non-empty string'),
        ("query", "x" * 1001, "query has 1001 characters, expected at most 1000"),
        ("query", "a\nb", r'query is "a.*b", expected no control characters'),
        ("event_type", "rating", "event_type is 'rating', expected one of view, click, cart, purchase, return, search"),
        ("event_value", True, "event_value is true, expected a number"),
        ("event_value", "1", 'event_value is "1", expected a number'),
        ("event_time_ms", True, "event_time_ms is true, expected milliseconds since 1970"),
        ("event_time_ms", 1.5e12, "event_time_ms is 1500000000000.0, expected milliseconds since 1970"),
        ("event_time_ms", 0, "event_time_ms is 0, expected milliseconds since 1970"),
        (
            "event_time_ms",
            TIME_MS + 300_001,
            r"event_time_ms is 1700000300001, more than 300 s in the future "
            r"\(the record arrived at 1700000000000 ms\)$",
        ),
        (
            "received_time_ms",
            253_402_300_799_999,
            r"received_time_ms is 253402300799999, more than 300 s in the future "
            r"\(the record arrived at 1700000000000 ms\)$",
        ),
        ("received_time_ms", None, "received_time_ms is missing, expected milliseconds since 1970"),
        ("received_time_ms", -1, "received_time_ms is -1, expected milliseconds since 1970"),
        (
            "received_time_ms",
            253_402_300_800_000,
            "received_time_ms is 253402300800000, expected milliseconds since 1970, at most 253402300799999",
        ),
        ("received_time_ms", 2**64 - 1, "received_time_ms is 18446744073709551615, expected"),
        ("recommendation_id", "r" * 41, "recommendation_id has 41 characters, expected at most 40"),
        ("impression", "", 'impression is "", expected a list'),
        ("impression", False, "impression is false, expected a list"),
        ("impression", {}, "impression is {}, expected a list"),
        ("impression", ["i"] * 26, "impression has 26 elements, expected 0 to 25"),
        ("impression", ["i", " "], r'impression\[1\] is " ", expected a non-empty string'),
        ("item_id", "a\x1bb", r'item_id is "a.*b", expected no control characters'),
        ("impression", ["i", 7], r"impression\[1\] is 7, expected a non-empty string"),
        ("impression", ["i", None], r"impression\[1\] is missing, expected a non-empty string"),
        ("impression", ["x" * 257], r"impression\[0\] has 257 characters, expected at most 256"),
        ("properties", {}, "properties is {}, expected JSON in a string"),
        ("properties", "[1]", r"properties is \[1\], expected an object"),
        ("properties", "plain", "properties is not valid JSON"),
        ("properties", '{"a":"' + "x" * 16_384 + '"}', "properties has 16392 characters, expected at most 16384"),
        ("colour", 1, "colour is not a known field, expected event_id, user_id,"),
    ],
)
def test_invalid_field_is_refused_with_its_name(name, value, message):
    with pytest.raises(InvalidInput, match=f"^{message}"):
        parse_record(record(**{name: value}))


def test_record_requires_a_user_or_a_session():
    with pytest.raises(InvalidInput, match=r"^user_id and session_id are missing, expected at least one$"):
        parse_record(record(user_id=None, session_id=None))

    assert parse_record(record(user_id=None)).profile_id == "s#s1"
    assert parse_record(record(session_id=None)).profile_id == "u#u1"
    assert parse_record(record()).profile_id == "u#u1"


def test_absent_and_null_fields_are_equal():
    minimum = {"event_id": "e1", "user_id": "u1", "item_id": "i1", "event_type": "view", "schema_version": 2}
    minimum |= {"event_time_ms": TIME_MS, "received_time_ms": TIME_MS}
    nulls = dict.fromkeys(("session_id", "event_value", "recommendation_id", "impression", "properties", "query"))

    expected = interaction(session_id=None, schema_version=2)

    assert parse_record(orjson.dumps(minimum)) == expected
    assert parse_record(orjson.dumps({**minimum, **nulls})) == expected


def test_future_event_is_refused_for_any_received_time():
    year_9999 = record(event_time_ms=MAX_TIME_MS, received_time_ms=MAX_TIME_MS)

    with pytest.raises(InvalidInput, match=r"^event_time_ms is 253402300799999, more than 300 s in the future"):
        parse_record(year_9999)


def test_search_requires_only_its_query():
    found = parse_record(record(event_type="Search", item_id=None, query="red shoes"))

    assert (found.event_type, found.item_id, found.query) == ("search", None, "red shoes")


def test_event_type_with_an_item_is_refused_with_only_a_query():
    with pytest.raises(InvalidInput, match=r"^item_id is missing, expected a non-empty string for event_type 'cart'$"):
        parse_record(record(event_type="AddToCart", item_id=None, query="red shoes"))


def test_undeclared_event_type_has_its_own_error_type():
    configured = Configuration(events={"rent": EventType("rent", 4.0, aliases=("lease",))})

    assert parse_record(record(event_type="Lease"), configuration=configured) == interaction(event_type="rent")
    with pytest.raises(UnknownEventType, match=r"^event_type is 'view', expected one of rent$"):
        parse_record(record(), configuration=configured)


def test_clock_skew_is_that_of_the_configuration():
    configured = Configuration(limits=Limits(clock_skew_s=2))
    ahead = record(event_time_ms=TIME_MS + 2000)

    assert parse_record(ahead, configuration=configured).event_time_ms == TIME_MS + 2000
    with pytest.raises(InvalidInput, match=r"^event_time_ms is 1700000002000, more than 2 s in the future"):
        parse_record(ahead, arrived_ms=TIME_MS - 1, configuration=configured)


def test_event_may_be_older_or_newer_than_its_received_time():
    """The parser compares each time with the arrival on the stream, but not the two times with each other."""
    assert parse_record(record(received_time_ms=1)).event_time_ms == TIME_MS
    assert parse_record(record(event_time_ms=TIME_MS - 1)).received_time_ms == TIME_MS


def test_event_older_than_the_configured_age_is_refused():
    configured = Configuration(limits=Limits(max_event_age_days=1))
    old = record(event_time_ms=TIME_MS - 86_400_000)

    message = r"^event_time_ms is 1699913600000, more than 1 days .limits.max_event_age_days. before"
    assert parse_record(old, configuration=configured).event_time_ms == TIME_MS - 86_400_000
    with pytest.raises(InvalidInput, match=message):
        parse_record(old, arrived_ms=TIME_MS + 1, configuration=configured)


def test_event_of_1970_is_refused_by_default():
    with pytest.raises(InvalidInput, match=r"^event_time_ms is 1, more than 730 days"):
        parse_record(record(event_time_ms=1))


def test_last_millisecond_of_the_year_9999_is_readable():
    last = record(event_time_ms=MAX_TIME_MS, received_time_ms=MAX_TIME_MS)

    assert parse_record(last, arrived_ms=MAX_TIME_MS).event_time_ms == 253_402_300_799_999


@given(ids, ids)
def test_users_and_sessions_never_share_a_profile_id(user_id, session_id):
    assert profile_id(user_id=user_id, session_id=None) != profile_id(user_id=None, session_id=session_id)


def test_same_content_has_the_same_event_id():
    assert content_event_id("u", 0, {"a": 1, "b": 2}) == content_event_id("u", 0, {"b": 2, "a": 1})
    assert content_event_id("u", 0, {"a": 1}) != content_event_id("u", 1, {"a": 1})
    assert len(content_event_id()) == 32


@pytest.mark.parametrize(
    ("properties", "context"),
    [
        ('{"DEVICE":"Phone","page":"home"}', '{"device":"phone"}'),
        ('{"inStore":true,"device":"tv"}', '{"device":"tv","inStore":"true"}'),
        ('{"device":7,"inStore":null}', ""),
        (f'{{"device":"{"x" * MAX_CHARACTERS}"}}', f'{{"device":"{"x" * MAX_CHARACTERS}"}}'),
        (f'{{"device":"{"x" * (MAX_CHARACTERS + 1)}"}}', ""),
        ('{"device":""}', ""),
        ("{}", ""),
        (None, ""),
    ],
)
def test_context_has_the_declared_strings_and_booleans(properties, context):
    assert context_of(properties, ["device", "inStore"]) == context


def test_context_without_declared_columns_is_empty():
    assert context_of('{"device":"phone"}', []) == ""
