import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.runtime.errors import (
    ConcurrentUpdate,
    InvalidBundle,
    InvalidInput,
    MissingSetting,
    NotFound,
    Unavailable,
)
from alsolike.runtime.http import request_body, respond, respond_error


@given(st.binary())
def test_base64_body_is_decoded(body):
    assert request_body({"body": base64.b64encode(body).decode(), "isBase64Encoded": True}) == body


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": ""}, {"body": None, "isBase64Encoded": True}])
def test_absent_body_is_empty(event):
    assert request_body(event) == b""


def test_plain_body_is_utf_8():
    assert request_body({"body": "ü😀", "isBase64Encoded": False}) == b"\xc3\xbc\xf0\x9f\x98\x80"


@pytest.mark.parametrize("body", ["a", "?", "üü==", "\ud800"])
def test_invalid_base64_body_is_refused(body):
    with pytest.raises(InvalidInput, match=r"^body is not base64: "):
        request_body({"body": body, "isBase64Encoded": True})


def test_lone_surrogate_in_body_is_refused():
    with pytest.raises(InvalidInput, match=r"^body is not valid Unicode: "):
        request_body({"body": '{"a": "\ud800"}'})


def test_response_is_json():
    answer = respond({"a": 1}, headers={"x-a": "b"})

    assert answer == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "x-a": "b"},
        "body": '{"a":1}',
    }


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (InvalidInput("why"), 400, "InvalidInputException"),
        (NotFound("why"), 404, "ResourceNotFoundException"),
        (ConcurrentUpdate("why"), 409, "ResourceInUseException"),
        (Unavailable("why"), 503, "ServiceUnavailableException"),
    ],
)
def test_client_errors_have_the_format_of_personalize(error, status, name):
    answer = respond_error(error)

    assert answer["statusCode"] == status
    assert orjson.loads(answer["body"]) == {"message": "why"}
    assert answer["headers"]["x-amzn-errortype"] == name


@pytest.mark.parametrize("error", [MissingSetting("why"), InvalidBundle("why")])
def test_internal_errors_are_raised_again(error):
    with pytest.raises(type(error), match="why"):
        respond_error(error)
