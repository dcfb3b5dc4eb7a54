"""Owners of unreadable records, found by their IDs."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alsolike.events.stream_records import StreamRecord, partition_key
from alsolike.privacy.tombstones import names_erased
from alsolike.privacy.user_matcher import Owner, UserMatcher
from tests.builders.damaged_records import NAMING_SESSION, NAMING_USER, OF_OTHERS, SESSION, UNDECIDED, USER

ZOE = UserMatcher(USER, sessions=[SESSION])
SEVEN = UserMatcher("7")


def is_zoe(user_id, session_id=None):
    return user_id == USER or (user_id is None and session_id == SESSION)


def names_zoe(data, key=None):
    return names_erased(StreamRecord("events", "shard", "1", 1, data, key), is_zoe)


@pytest.mark.parametrize("form", [*NAMING_USER, *NAMING_SESSION])
def test_damaged_record_of_the_user_is_matched(form):
    data = {**NAMING_USER, **NAMING_SESSION}[form]

    assert ZOE.owner(data) is Owner.USER
    assert names_zoe(data)


@pytest.mark.parametrize("form", NAMING_SESSION)
def test_session_of_another_user_is_not_matched(form):
    assert UserMatcher(USER, sessions=["visit-8"]).owner(NAMING_SESSION[form]) is not Owner.USER


@pytest.mark.parametrize("form", UNDECIDED)
def test_record_without_a_readable_user_is_undecided(form):
    assert ZOE.owner(UNDECIDED[form]) is Owner.UNDECIDED
    assert not names_zoe(UNDECIDED[form])


@pytest.mark.parametrize("form", OF_OTHERS)
def test_record_of_other_users_is_not_matched(form):
    assert ZOE.owner(OF_OTHERS[form]) is Owner.OTHER
    assert not names_zoe(OF_OTHERS[form])


@pytest.mark.parametrize(
    ("record", "owner"),
    [
        ({"user_id": 7}, Owner.USER),
        ({"events": [{"userId": 7}]}, Owner.USER),
        ({"user_id": 7.0}, Owner.USER),
        ({"user_id": True, "price": "7"}, Owner.USER),
        ({"price": 7}, Owner.OTHER),
        ({"comment": "7 pears"}, Owner.OTHER),
    ],
)
def test_number_is_an_id_only_in_a_user_field(record, owner):
    assert SEVEN.owner(json.dumps(record).encode()) is owner


def test_boolean_true_is_not_user_1():
    assert UserMatcher("1").owner(b'{"user_id": true}') is Owner.OTHER


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        (f"u#{USER}", Owner.USER),
        (f"s#{SESSION}", Owner.USER),
        (SESSION, Owner.USER),
        ("u#bob", Owner.OTHER),
        (f"s#{USER}", Owner.UNDECIDED),
        ("", Owner.UNDECIDED),
        (None, Owner.UNDECIDED),
    ],
)
def test_partition_key_decides_an_unreadable_record(key, owner):
    assert ZOE.owner(b"\xff", key=key) is owner


@pytest.mark.parametrize("name", ["user", "session"])
def test_hashed_partition_key_of_a_long_id_is_matched(name):
    long = "s" * 256
    key = partition_key(f"{name[0]}#{long}")
    matcher = UserMatcher(long) if name == "user" else UserMatcher(USER, sessions=[long])

    assert len(key) == 64
    assert matcher.owner(b"\xff", key=key) is Owner.USER
    assert UserMatcher("other", sessions=["s" * 255]).owner(b"\xff", key=key) is Owner.UNDECIDED


@pytest.mark.parametrize(
    ("record", "logins"),
    [
        ({"user_id": USER, "session_id": "s", "event_time_ms": 9, "event_id": "e"}, [("s", [9, "e"])]),
        ({"userId": [USER], "sessionId": "s"}, [("s", [253402300799999, ""])]),
        ({"events": [{"user_id": USER, "session_id": "s"}, {"user_id": "bob", "session_id": "t"}]}, [("s", None)]),
        ({"user_id": [USER, "bob"], "session_id": "s"}, []),
        ({"user_id": "bob", "session_id": "s"}, []),
        ({"user_id": USER, "session_id": "s" * 257}, []),
        ({"user_id": USER, "session_id": "s", "event_time_ms": 10**30, "event_id": 7}, [("s", [253402300799999, ""])]),
    ],
)
def test_login_requires_user_and_session_in_one_object(record, logins):
    result = ZOE.logins(json.dumps(record).encode())

    assert [login.session_id for login in result] == [session for session, _ in logins]
    for login, (_, order) in zip(result, logins, strict=True):
        assert order is None or login.order == order


@pytest.mark.parametrize(
    ("user", "key", "sessions"),
    [
        (USER, f"u#{USER}", ["s"]),
        ("u" * 256, partition_key(f"u#{'u' * 256}"), ["s"]),
        (USER, "u#bob", []),
        (USER, "s#s", []),
        (USER, None, []),
    ],
)
def test_partition_key_of_the_user_names_the_session(user, key, sessions):
    matcher = UserMatcher(user)

    for data in (b'{"session_id": "s", "event_time_ms": -1}', b'{"session_id": "s", "event_ti'):
        assert [login.session_id for login in matcher.logins(data, key=key)] == sessions
    assert matcher.logins(b'{"session_id": "s", "user_id": "bob"}', key=key) == []


def test_truncated_login_names_its_session():
    (login,) = ZOE.logins(NAMING_USER["truncated"])

    assert login.session_id == SESSION


@pytest.mark.parametrize(
    ("data", "is_named"),
    [
        (b'{"users": ["ann.lee"]}', True),
        (b'{"user_id": "bob", "users": ["ann.lee"]}', True),
        (b'{"users": 12, "items": ["x"]}', False),
        (b"no JSON, ann.lee", True),
        (b"no JSON, joann.lee, ann.lee2, ann.lee@example.org, ann-lee", False),
    ],
)
def test_document_is_matched_by_the_user_as_a_value_or_word(data, is_named):
    assert UserMatcher("ann.lee").is_named(data) is is_named


IDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12).filter(
    lambda text: "%" not in text
)

WORDS = st.from_regex(r"[a-zë0-9.@-]{1,9}", fullmatch=True)


@st.composite
def records(draw, user, others=("", None, "bob", 7)):
    value: Any = draw(st.sampled_from([user, [user], {"id": user}, [["x"], {"y": [user]}]]))
    name = draw(st.sampled_from(["user_id", "userId", "USER_ID", "user-id"]))
    fields = {name: value, "session_id": "visit-9", "item_id": "pear", "properties": "{}"}
    if draw(st.booleans()):
        fields = {"userid": draw(st.sampled_from(others)), **fields}
    envelope = draw(st.sampled_from(["none", "object", "list", "text", "base64"]))
    text = json.dumps(fields, ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        text = text.replace("/", "\\/")
    body: dict[str, Callable[[], Any]] = {
        "none": lambda: None,
        "object": lambda: {"detail": fields},
        "list": lambda: [1, {"events": [fields]}],
        "text": lambda: {"body": text},
        "base64": lambda: {"data": base64.b64encode(text.encode()).decode()},
    }
    return text if envelope == "none" else json.dumps(body[envelope](), ensure_ascii=draw(st.booleans()))


def encoded(draw, text):
    encoding = draw(st.sampled_from(["utf-8", "latin-1", "utf-16", "utf-16-be", "utf-32"]))
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode()


@st.composite
def damaged(draw):
    user = draw(IDS)
    if draw(st.booleans()):
        data = encoded(draw, draw(records(user)))
    else:
        text = draw(records(user, others=["", None]))
        data = encoded(draw, text[: draw(st.integers(1, len(text)))])
    return user, draw(st.sampled_from([b"", b"\xff", b"\0"])) + data


@given(damaged())
@example(('ann"b', b'{"detail": {"user_id": "ann\\"'))
@example(("0:", b'\xff{"userid": "bob", "user_id": ["0:"], "item_id": "pear"}'))
@example((":0=", b'\xff{"userid": "bob", "user_id": [":0="], "item_id": "pear"}'))
@example(("0:0", b'\xff{"userid": "bob", "user_id": ["0:0"], "item_id": "pear"}'))
@settings(max_examples=200)
def test_damaged_record_with_the_user_is_never_of_others(named):
    user, data = named

    assert UserMatcher(user).owner(data) is not Owner.OTHER


@given(IDS, st.data())
def test_complete_record_of_the_user_is_matched_in_any_form(user, data):
    record = data.draw(records(user)).encode()

    assert UserMatcher(user).owner(record) is Owner.USER
    assert names_erased(StreamRecord("events", "shard", "1", 1, record), lambda name, session=None: name == user)


@given(WORDS, WORDS, st.data())
def test_complete_record_of_another_user_is_not_matched(user, other, data):
    fields = {"user_id": other, "session_id": "visit-9", "item_id": "pear", "comment": user}
    record = json.dumps(fields, ensure_ascii=data.draw(st.booleans())).encode()

    assert UserMatcher(user).owner(record) is (Owner.USER if user == other else Owner.OTHER)


def test_user_id_that_is_base64_of_a_brace_is_complete():
    assert UserMatcher("0").owner(b'{"user_id": "e0000000", "comment": "0"}') is Owner.OTHER


@given(st.binary(max_size=200))
def test_any_bytes_have_an_owner(data):
    assert ZOE.owner(data) in Owner


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b'\\"' * 300_000,
        b"a=" * 300_000,
        b"a" * 600_000,
        b'"a":' * 150_000,
        b"\\" * 600_000,
        b'{"a":' * 120_000,
        b" " * 600_000,
    ],
    ids=["quotes", "pairs", "letters", "names", "backslashes", "objects", "spaces"],
)
def test_large_damaged_record_is_read_in_linear_time(data):
    assert ZOE.owner(data + b"\xff") is Owner.UNDECIDED
