from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from alsolike.events.session_tokens import (
    CLOCK_LEEWAY_S,
    MAX_LIFETIME_S,
    MAX_TOKEN_CHARACTERS,
    Session,
    authorizer_context,
    mint,
    session_of,
    verify,
)
from alsolike.runtime.errors import InvalidInput, MissingSetting, WrongSignature
from alsolike.schema.validation import is_blank

DOCUMENT = Path(__file__).parents[4] / "docs/sessions.md"
KEY, OTHER = b"k" * 64, b"o" * 64
NOW_S = 1_764_032_400
CLAIMS: dict[str, Any] = {
    "iss": "alsolike", "aud": "alsolike-session", "sid": "s-1", "sub": "u-1", "iat": NOW_S, "exp": NOW_S + 900
}  # fmt: skip

IDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=256).filter(
    lambda text: not is_blank(text)
)


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(claims, *, header=None, key=KEY):
    parts = ".".join(encoded(json.dumps(part).encode()) for part in (header or {"alg": "HS256"}, claims))
    return f"{parts}.{encoded(hmac.digest(key, parts.encode(), hashlib.sha256))}"


def changed(**claims):
    """Return changed claims. A value of `...` removes the claim."""
    return {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}


@given(IDS, st.none() | IDS, st.integers(1, MAX_LIFETIME_S))
def test_token_is_valid_for_its_session_until_it_expires(session_id, user_id, lifetime_s):
    session = Session(session_id, user_id)

    token = mint(KEY, session, now_s=NOW_S, lifetime_s=lifetime_s)

    assert len(token) <= MAX_TOKEN_CHARACTERS
    assert verify(token, [KEY], now_s=NOW_S) == session
    assert verify(token, [KEY], now_s=NOW_S + lifetime_s - 0.001) == session
    with pytest.raises(InvalidInput, match="expired 0 s ago"):
        verify(token, [KEY], now_s=NOW_S + lifetime_s)


@given(IDS, st.none() | IDS)
def test_minted_token_is_readable_by_another_library(session_id, user_id):
    token = mint(KEY, Session(session_id, user_id), now_s=NOW_S)

    read = jwt.decode(token, OctKey.import_key(KEY), algorithms=["HS256"])

    expected = {"iss": "alsolike", "aud": "alsolike-session", "sid": session_id, "iat": NOW_S, "exp": NOW_S + 900}
    assert read.claims == expected | ({} if user_id is None else {"sub": user_id})
    assert read.header == {"alg": "HS256", "typ": "JWT"}


@given(IDS, st.none() | IDS)
def test_token_of_another_library_is_readable(session_id, user_id):
    claims = changed(sid=session_id, sub=... if user_id is None else user_id)

    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(KEY))

    assert verify(token, [KEY], now_s=NOW_S) == Session(session_id, user_id)


def test_longest_ids_fit_in_a_token():
    session = Session("😀" * 256, "😀" * 256)

    # json.dumps escapes each of these characters as 12 characters.
    token = signed(changed(sid=session.session_id, sub=session.user_id), header={"alg": "HS256", "typ": "JWT"})

    assert 8_000 < len(token) <= MAX_TOKEN_CHARACTERS
    assert verify(token, [KEY], now_s=NOW_S) == session


@pytest.mark.parametrize("keys", [[KEY], [OTHER, KEY], [KEY, OTHER]])
def test_token_signed_with_any_current_key_is_valid(keys):
    assert verify(signed(CLAIMS), keys, now_s=NOW_S) == Session("s-1", "u-1")


@pytest.mark.parametrize("token", [signed(CLAIMS, key=OTHER), signed(CLAIMS)[:-1], signed(CLAIMS) + "A"])
def test_token_signed_with_an_unknown_key_raises_wrong_signature(token):
    with pytest.raises(WrongSignature):
        verify(token, [KEY], now_s=NOW_S)


@given(st.data())
def test_changed_token_is_refused(data):
    token = signed(CLAIMS)
    position = data.draw(st.integers(0, len(token) - 1))
    replacement = data.draw(st.characters(max_codepoint=0x7F).filter(lambda character: character != token[position]))

    # A change of only the two unused bits of the signature's last character is refused too.
    with pytest.raises(InvalidInput):
        verify(token[:position] + replacement + token[position + 1 :], [KEY], now_s=NOW_S)


@given(st.text() | st.binary().map(encoded) | st.lists(st.binary().map(encoded), max_size=5).map(".".join))
def test_any_other_string_is_refused(text):
    with pytest.raises(InvalidInput):
        verify(text, [KEY], now_s=NOW_S)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"iss": ...}, "iss is missing, expected alsolike"),
        ({"iss": "other"}, 'iss is "other", expected alsolike'),
        ({"iss": ["alsolike"]}, r'iss is \["alsolike"\], expected alsolike'),
        ({"aud": ...}, "aud is missing, expected alsolike-session"),
        ({"aud": "alsolike"}, 'aud is "alsolike", expected alsolike-session'),
        ({"aud": ["alsolike-session", "other"]}, "expected alsolike-session"),
        ({"sid": ...}, "sid is missing"),
        ({"sid": ""}, 'sid is "", expected a non-empty string'),
        ({"sid": 7}, "sid is 7, expected a non-empty string"),
        ({"sid": "a" * 257}, "sid has 257 characters, expected at most 256"),
        ({"sid": "a\nb"}, "expected no control characters"),
        ({"sub": ""}, 'sub is "", expected a non-empty string'),
        ({"sub": {"id": "u"}}, "sub is {"),
        ({"sub": "a" * 257}, "sub has 257 characters"),
        ({"iat": ...}, "iat is missing, expected seconds since 1970"),
        ({"iat": str(NOW_S)}, "iat is .*, expected a number"),
        ({"iat": True}, "iat is true, expected a number"),
        ({"exp": ...}, "exp is missing, expected seconds since 1970"),
        ({"exp": None}, "exp is missing"),
        ({"exp": [NOW_S]}, "exp is .*, expected a number"),
        ({"exp": 10**400}, "the token's claims is not valid JSON"),
        ({"exp": 10**30}, "after iat, expected 1 to 3600"),
        ({"exp": NOW_S + 3_601}, "exp is 3601 s after iat, expected 1 to 3600"),
        ({"exp": NOW_S}, "exp is 0 s after iat"),
        ({"iat": NOW_S - 60, "exp": NOW_S - 1}, "expired 1 s ago"),
        ({"iat": NOW_S + 6, "exp": NOW_S + 60}, "begins 6 s from now, expected 5 at most"),
        ({"nbf": NOW_S + 6}, "begins 6 s from now"),
        ({"nbf": "soon"}, 'nbf is "soon", expected a number'),
    ],
)
def test_invalid_claim_is_refused_with_its_name(claims, message):
    with pytest.raises(InvalidInput, match=message):
        verify(signed(changed(**claims)), [KEY], now_s=NOW_S)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["alsolike-session"]},  # Some libraries write a single audience as a list.
        {"iat": NOW_S + CLOCK_LEEWAY_S},
        {"nbf": NOW_S - 1, "jti": "1", "scope": "all"},
        {"iat": NOW_S + 0.25, "exp": NOW_S + 1.5},
        {"iat": NOW_S - MAX_LIFETIME_S + 1, "exp": NOW_S + 1},
    ],
)
def test_audience_and_clock_differences_within_the_leeway_are_accepted(claims):
    assert verify(signed(changed(**claims)), [KEY], now_s=NOW_S) == Session("s-1", "u-1")


@pytest.mark.parametrize("claims", [[], "text", 1, None])
def test_claims_that_are_not_an_object_are_refused(claims):
    with pytest.raises(InvalidInput, match=r"the token's claims is .*, expected an object"):
        verify(signed(claims), [KEY], now_s=NOW_S)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS512", "hs256", "RS256", "", None, ["HS256"], {"a": 1}])
def test_other_algorithm_is_refused(algorithm):
    for token in (signed(CLAIMS, header={"alg": algorithm, "typ": "JWT"}), signed(CLAIMS, header={"typ": "JWT"})):
        with pytest.raises(InvalidInput, match=r"alg is .*, expected HS256"):
            verify(token, [KEY], now_s=NOW_S)


def test_unsigned_token_is_refused():
    header, claims, _ = signed(CLAIMS).split(".")
    unsigned = encoded(b'{"alg":"none"}')

    for token in (f"{unsigned}.{claims}.", f"{header}.{claims}.", f"{header}.{claims}", f"{header}..", ".."):
        with pytest.raises(InvalidInput):
            verify(token, [KEY], now_s=NOW_S)


def test_critical_extension_is_refused():
    with pytest.raises(InvalidInput, match="crit"):
        verify(signed(CLAIMS, header={"alg": "HS256", "crit": ["b64"], "b64": False}), [KEY], now_s=NOW_S)


@pytest.mark.parametrize("token", ["a" * 10_240, signed(changed(sid="a" * 9_000)), "ä.b.c", "a.b.c\u2028", ""])
def test_long_or_non_ascii_token_is_refused(token):
    with pytest.raises(InvalidInput, match="expected at most 9000 ASCII characters in 3 parts"):
        verify(token, [KEY], now_s=NOW_S)


@pytest.mark.parametrize(
    ("session", "lifetime_s", "message"),
    [
        (Session(""), 900, 'sid is "", expected a non-empty string'),
        (Session("a" * 257), 900, "sid has 257 characters, expected at most 256"),
        (Session("a", user_id=" "), 900, 'sub is " ", expected a non-empty string'),
        (Session("\ud800"), 900, "half of a surrogate pair"),
        (Session("a"), 0, "lifetime is 0 s, expected 1 to 3600"),
        (Session("a"), 3_601, "lifetime is 3601 s, expected 1 to 3600"),
    ],
)
def test_invalid_session_cannot_be_minted(session, lifetime_s, message):
    with pytest.raises(InvalidInput, match=message):
        mint(KEY, session, now_s=NOW_S, lifetime_s=lifetime_s)


def test_short_key_neither_signs_nor_verifies():
    with pytest.raises(MissingSetting, match="has 31 bytes, expected at least 32"):
        mint(b"k" * 31, Session("a"), now_s=NOW_S)
    with pytest.raises(MissingSetting):
        verify(signed(CLAIMS, key=b""), [b""], now_s=NOW_S)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (Session("s-1"), {}),
        (Session("s-1", "u-1"), {"userId": "u-1"}),
        (Session("s-1", site="www"), {"site": "www"}),
        (Session("s-1", "u-1", operator=True), {"userId": "u-1", "operator": "true"}),
    ],
)
def test_session_is_read_from_the_authorizer_context(session, expected):
    context = authorizer_context(verify(mint(KEY, session, now_s=NOW_S), [KEY], now_s=NOW_S))

    assert context == {"sessionId": "s-1", **expected}
    assert session_of({"requestContext": {"authorizer": {"lambda": context}}}) == session


def test_documented_example_mints_a_valid_token():
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {"key": KEY}

    exec(example, names)

    assert verify(names["token"], [KEY], now_s=time.time()) == Session("f81d4fae", "42")
