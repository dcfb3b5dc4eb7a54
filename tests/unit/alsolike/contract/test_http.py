"""Bodies in, answers out, errors as statuses."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.contract.http import request_body, respond, respond_error
from alsolike.runtime.errors import (
    AlsolikeError,
    ConcurrentUpdate,
    InvalidBundle,
    InvalidInput,
    MissingSetting,
    NotFound,
    Unavailable,
)


@given(st.binary())
def test_a_body_comes_through_base64(body: bytes) -> None:
    assert request_body({"body": base64.b64encode(body).decode(), "isBase64Encoded": True}) == body


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": ""}, {"body": None, "isBase64Encoded": True}])
def test_an_absent_body_is_empty(event: dict[str, Any]) -> None:
    assert request_body(event) == b""


def test_a_plain_body_is_utf8() -> None:
    assert request_body({"body": "ü😀", "isBase64Encoded": False}) == b"\xc3\xbc\xf0\x9f\x98\x80"


@pytest.mark.parametrize("body", ["a", "?", "üü==", "\ud800"])
def test_what_claims_to_be_base64_and_is_not_is_refused(body: str) -> None:
    with pytest.raises(InvalidInput, match=r"^body is not base64: "):
        request_body({"body": body, "isBase64Encoded": True})


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^body is not valid Unicode: "):
        request_body({"body": '{"a": "\ud800"}'})


def test_an_answer_is_json() -> None:
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
def test_the_callers_errors_have_personalizes_shape(error: AlsolikeError, status: int, name: str) -> None:
    answer = respond_error(error)

    assert answer["statusCode"] == status
    assert orjson.loads(answer["body"]) == {"message": "why"}
    assert answer["headers"]["x-amzn-errortype"] == name


@pytest.mark.parametrize("error", [MissingSetting("why"), InvalidBundle("why")])
def test_our_own_errors_are_raised_again(error: AlsolikeError) -> None:
    with pytest.raises(type(error), match="why"):
        respond_error(error)
