"""Matching of unreadable records to users: every spelling is found, and similar ids are not confused."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.events.stream import partition_key
from alsolike.privacy.user_matcher import UserMatcher

ANN = UserMatcher("ann.lee", sessions=["visit-7"])
SEVEN = UserMatcher("7")


@pytest.mark.parametrize(
    "record",
    [
        {"user_id": "ann.lee"},
        {"userId": "ann.lee", "item_id": 7},
        {"USER-ID": "ann.lee"},
        {"user_id": None, "customer": "ann.lee"},
        {"customer": {"ids": ["x", "ann.lee"]}},
        {"events": [{"userId": "ann.lee"}]},
        {"partition": "u#ann.lee"},
        {"ann.lee": 1},
        {"properties": '{"login": "ann.lee"}'},
        {"properties": '{"login": "ann.lee'},  # cut off
        {"session_id": "visit-7"},
        ["ann.lee"],
        "ann.lee",
    ],
)
def test_a_record_with_the_id_is_the_users(record: object) -> None:
    assert ANN.record(orjson.dumps(record))


@pytest.mark.parametrize(
    "record",
    [
        {"user_id": "bob", "customer": "ann.lee"},  # names another user
        {"user_id": "bob", "session_id": "visit-7"},
        {"user_id": "ann.leeson"},
        {"customer": "Ann.Lee"},
        {"item_id": "ann.lee"},  # a thing that is called as she is
        {"query": "ann.lee", "event_type": "ann.lee", "impression": ["ann.lee"]},
        {"session_id": "visit-70"},
        {"comment": "by ann.lee"},  # a value of its own, or none
        {},
        7,
    ],
)
def test_a_record_about_others_is_left_alone(record: object) -> None:
    assert not ANN.record(orjson.dumps(record))


@pytest.mark.parametrize(
    ("record", "is_mine"),
    [
        ({"user_id": 7}, True),
        ({"events": [{"userId": 7}]}, True),
        ({"user_id": 7.0}, False),
        ({"user_id": True}, False),
        ({"price": 7}, False),  # a number is an id only where a user's id stands
        ({"price": "7"}, True),
    ],
)
def test_an_id_of_digits_may_be_sent_as_a_number(record: object, is_mine: bool) -> None:
    assert SEVEN.record(orjson.dumps(record)) is is_mine


def test_true_is_no_user_called_1() -> None:
    assert not UserMatcher("1").record(b'{"user_id": true}')


@pytest.mark.parametrize(
    ("text", "is_mine"),
    [
        (b'{"user_id":"ann.lee","item', True),
        (b"\xff\xfe ann.lee", True),
        (b"user=ann.lee;", True),
        (b"ann.lee2", False),
        (b"joann.lee", False),
        (b"ann.lee@example.org", False),
        (b"ann-lee", False),  # the dot is no wildcard
        (b"", False),
    ],
)
def test_in_what_is_no_json_the_id_is_looked_for_as_a_word(text: bytes, is_mine: bool) -> None:
    assert ANN.record(text) is is_mine


@given(st.text(min_size=1).filter(lambda text: not text.isspace()))
def test_no_id_is_missed_however_json_spells_it(user: str) -> None:
    mentions = UserMatcher(user)

    for dumps in (json.dumps, lambda value: json.dumps(value, ensure_ascii=False)):
        whole = dumps({"user_id": user}).encode()
        assert mentions.record(whole)
        assert mentions.record(whole.removesuffix(b"}"))


@pytest.mark.parametrize(
    ("key", "is_mine"),
    [
        ("u#ann.lee", True),
        ("s#visit-7", True),
        ("visit-7", True),
        ("u#bob", False),
        ("s#ann.lee", False),
        ("", False),
        (None, False),
    ],
)
def test_a_partition_key_says_whose_a_record_is(key: str | None, is_mine: bool) -> None:
    assert ANN.partition(key) is is_mine


def test_an_id_that_is_too_long_for_a_partition_key_is_known_by_its_hash() -> None:
    long = "u" * 256
    key = partition_key(f"u#{long}")

    assert len(key) == 64
    assert UserMatcher(long).partition(key)


@pytest.mark.parametrize(
    ("data", "is_mine"),
    [
        (b'{"users": ["ann.lee"]}', True),
        (b'{"users": 12, "items": ["x"]}', False),
        (b"no JSON, ann.lee", True),
        (b"no JSON", False),
    ],
)
def test_a_document_names_the_user_as_a_value(data: bytes, is_mine: bool) -> None:
    assert ANN.document(data) is is_mine


def test_half_a_surrogate_pair_is_no_reason_to_fail() -> None:
    assert not UserMatcher("\ud800").record(b'{"user_id": "ann"}')


def test_key_of_a_long_session_is_recognised() -> None:
    session = "s" * 255
    key = partition_key(f"s#{session}")

    assert key != f"s#{session}"
    assert UserMatcher("ann.lee", sessions=[session]).partition(key)
    assert not UserMatcher("ann.lee", sessions=["s" * 256]).partition(key)
