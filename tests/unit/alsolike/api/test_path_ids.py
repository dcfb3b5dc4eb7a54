"""Percent-encoding and limits of IDs in the paths of URLs."""

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given

from alsolike.api.path_ids import path_id, path_segment
from alsolike.runtime.errors import InvalidInput
from tests.unit.alsolike.records import ids


def read(segment):
    return path_id({"pathParameters": {"itemId": segment}}, "itemId")


@given(ids)
def test_id_survives_its_path_segment_unchanged(row_id):
    segment = path_segment(row_id)

    assert re.fullmatch(r"~?[A-Za-z0-9_-]+", segment)
    assert unquote(segment) == quote(segment) == segment
    assert read(segment) == row_id


@pytest.mark.parametrize("row_id", ["sku-7", "ü", "a.b", "a b", "a:b@c"])
def test_percent_encoded_id_is_decoded(row_id):
    assert read(unquote(quote(row_id))) == row_id


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ("~!", r'itemId is "~!", expected base64url after ~'),
        ("~a", r'itemId is "~a", expected base64url after ~'),
        ("~_w", r'itemId is "~_w", expected base64url after ~'),  # The byte 0xff.
        ("~", r'itemId is "", expected a non-empty string'),
        ("~AA", r'itemId is "\\u0000", expected a non-empty string|itemId is .* expected no control characters'),
        (" ", r'itemId is " ", expected a non-empty string'),
        (
            unquote("a%FF"),
            r'itemId is "a\ufffd", expected UTF-8; an id that has U\+FFFD is written in base64url after ~',
        ),
        ("x" * 257, r"itemId has 257 characters, expected at most 256"),
    ],
)
def test_invalid_path_segment_is_refused(segment, message):
    with pytest.raises(InvalidInput, match=f"^(?:{message})$"):
        read(segment)


def test_id_may_contain_the_unicode_replacement_character():
    assert read(path_segment("a\ufffd")) == "a\ufffd"


def test_request_without_a_path_id_is_refused():
    with pytest.raises(InvalidInput, match=r"^itemId is missing, expected a non-empty string$"):
        path_id({}, "itemId")
