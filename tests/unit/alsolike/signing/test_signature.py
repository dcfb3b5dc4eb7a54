import base64
import contextlib
import copy
import datetime as dt
import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.runtime.errors import AlsolikeError, SignatureRefused
from alsolike.signing.signature import (
    INVALID,
    MALFORMED,
    NO_SIGNATURE,
    UNKNOWN_KEY,
    read_signature,
    verify,
)
from alsolike.signing.signed_requests import MAX_SKEW_S, check_age
from tests.builders.signed_requests import KEY_ID, NOW_S, SECRET, sign

URL = "https://api.example/personalize"


def check(event, *, secret=SECRET, now_s=NOW_S):
    signature = read_signature(event)
    check_age(signature, now_s=now_s)
    verify(event, signature, secret=secret)
    return signature.key_id


def refusal(event, **more):
    with pytest.raises(SignatureRefused) as caught:
        check(event, **more)
    return caught.value.code


def test_example_signature_of_aws_is_accepted():
    """`get-vanilla-query-order-key-case` of AWS's test suite, whose canonical request has the hash 816cd5b4….

    The signature is for the service `personalize`, computed with openssl's HMAC.
    """
    signature = "d56f634752710e2f5ea27098653df5de1977cb74c108ce438cf57be01fde802a"
    event = {
        "rawPath": "/",
        "rawQueryString": "Param2=value2&Param1=value1",
        "headers": {
            "host": "example.amazonaws.com",
            "x-amz-date": "20150830T123600Z",
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/personalize/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={signature}",
        },
        "requestContext": {"http": {"method": "GET"}},
    }
    now_s = dt.datetime(2015, 8, 30, 12, 36, tzinfo=dt.UTC).timestamp()

    assert check(event, secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", now_s=now_s) == "AKIDEXAMPLE"


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"body": ""},
        {"body": '{"title": "Äpfel 🍐"}'},
        {"region": "ap-southeast-2"},
        {"x_amz_target": "AmazonPersonalize.ListRecipes"},
        {"user_agent_note": "  two   spaces "},
        {"url": f"{URL}/users/u%C3%BC%201/recommendations?numResults=5&filterValues%5BPRICE%5D=5", "method": "GET"},
        {"url": f"{URL}/items/~c2t1Lzc", "method": "DELETE", "body": ""},
    ],
)
def test_botocore_signature_is_accepted(request_):
    assert check(sign(**request_)) == KEY_ID


def queried(query):
    return sign(url=f"{URL}/trending?{query}", method="GET", body="")


@pytest.mark.parametrize("query", ["filterValues=a%20b", "q=%2B", "q=%FF", "q=%C3%BC", "q=", "b=2&a=1"])
def test_signed_query_is_accepted(query):
    assert check(queried(query)) == KEY_ID


@pytest.mark.parametrize(
    ("signed", "sent"),
    [("q=a%20b", "q=a+b"), ("a%20b=q", "a+b=q"), ("q=%C3%BC", "q=%c3%bc"), ("a=1&b=2", "b=2&a=1"), ("q=a", "q=%61")],
)
def test_equivalent_query_encoding_is_accepted(signed, sent):
    assert check({**queried(signed), "rawQueryString": sent}) == KEY_ID


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("q=a%2Bb", "q=a+b"),
        ("q=a%20b", "q=a%2Bb"),
        ("a%2Bb=q", "a+b=q"),
        ("q=%FF", "q=%FE"),
        ("q=%FF", "q=%EF%BF%BD"),
        ("q=%EF%BF%BD", "q=%C3"),
        ("%FF=q", "%FE=q"),
        ("q=%5Cud800", "q=\ud800"),
        ("q=%2541", "q=%41"),
        ("q=%26a%3D1", "q=&a=1"),
    ],
)
def test_query_with_another_meaning_is_refused(signed, sent):
    assert refusal({**queried(signed), "rawQueryString": sent}) == INVALID


def test_lone_surrogate_does_not_match_an_escaped_one():
    event = sign(x_amz_note="\\ud800")
    event["headers"]["x-amz-note"] = "\ud800"

    assert refusal(event) == INVALID


def test_base64_body_is_the_same_request():
    event = sign(body='{"a": "ü"}')
    encoded = {**event, "body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}

    assert check(encoded) == KEY_ID


def test_path_encoded_once_by_the_client_is_accepted():
    """curl signs the path `https://api.example/…/a%20b` as it is sent."""
    event = sign(url=f"{URL}/items/a%20b", encodes_twice=False)

    assert check(event) == KEY_ID


@pytest.mark.parametrize(
    ("offset_s", "accepted"),
    [(MAX_SKEW_S, True), (-MAX_SKEW_S, True), (MAX_SKEW_S + 1, False), (-MAX_SKEW_S - 1, False)],
)
def test_clock_may_differ_by_five_minutes(offset_s, *, accepted):
    event = sign(at_s=NOW_S + offset_s)

    if accepted:
        assert check(event) == KEY_ID
    else:
        assert refusal(event) == INVALID


def test_other_secret_is_refused():
    assert refusal(sign(), secret="t" * 40) == INVALID


def test_session_token_is_refused():
    assert refusal(sign(token="session")) == UNKNOWN_KEY


def test_signature_for_another_service_is_refused():
    assert refusal(sign(service="execute-api")) == INVALID


def test_presigned_url_is_refused():
    event = sign()
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={KEY_ID}&X-Amz-Signature=00"
    del event["headers"]["authorization"]

    assert refusal({**event, "rawQueryString": query}) == NO_SIGNATURE


def test_declared_hash_of_another_body_is_refused():
    assert refusal(sign(x_amz_content_sha256="UNSIGNED-PAYLOAD")) == INVALID


@pytest.mark.parametrize("name", ["x-amz-target", "x-amz-content-sha256"])
def test_unsigned_header_that_selects_the_operation_is_refused(name):
    event = sign()
    event["headers"][name] = "AmazonPersonalize.ListRecipes"

    assert refusal(event) == MALFORMED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("host;", ""),
        (";x-amz-date", ""),
        ("content-type;host", "host;content-type"),
        ("content-type;", "content-type;content-type;"),
        ("content-type;", "content-type;forwarded;"),
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
        (", Signature", ""),
    ],
)
def test_malformed_authorization_header_is_refused(old, new):
    event = sign()
    assert old in event["headers"]["authorization"]
    event["headers"]["authorization"] = event["headers"]["authorization"].replace(old, new)

    assert refusal(event) == MALFORMED


@pytest.mark.parametrize("time", ["", "yesterday", "20260931T000000Z", "2026-09-21T00:00:00Z"])
def test_invalid_date_header_is_refused(time):
    event = sign()
    event["headers"]["x-amz-date"] = time

    assert refusal(event) == MALFORMED


def test_any_changed_character_is_refused():
    event = sign(url=f"{URL}/users/42/recommendations?numResults=5")
    assert check(event) == KEY_ID
    places = [("body",), ("rawPath",), ("rawQueryString",), ("requestContext", "http", "method")]
    places += [("headers", name) for name in event["headers"]]
    changes = 0
    for *parents, name in places:
        text = str(functools.reduce(dict.__getitem__, (*parents, name), event))
        for index, character in enumerate(text):
            changed = copy.deepcopy(event)
            target = functools.reduce(dict.__getitem__, parents, changed)
            target[name] = f"{text[:index]}{chr(ord(character) ^ 1)}{text[index + 1 :]}"
            # A changed key ID passes, because `check` verifies with the same secret.
            with contextlib.suppress(SignatureRefused):
                assert check(changed) != KEY_ID
            changes += 1

    assert changes > 300


@given(st.data())
def test_changed_requests_raise_only_product_errors(data):
    event = sign()
    name = data.draw(st.sampled_from(["body", "rawPath", "rawQueryString", *event["headers"]]))
    text = data.draw(st.text(st.characters(), max_size=60))
    target = event["headers"] if name in event["headers"] else event
    if target[name] == text or (name == "rawQueryString" and not text.strip("&")):
        return  # The request has not changed.
    target[name] = text

    with pytest.raises(AlsolikeError):
        check(event)
