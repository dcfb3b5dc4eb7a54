"""Parsed requests, which the parsers and the request schemas accept or refuse alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.recommendations.request_fields import GET_PERSONALIZED_RANKING, GET_RECOMMENDATIONS
from alsolike.runtime.errors import InvalidInput, NotFound
from functions.recommend.http.request import PARSERS, RecommendationRequest
from tests.builders.field_values import judge, near
from tests.builders.lambda_events import http_event

ARN = "arn:aws:personalize:eu-west-1:123456789012:recommender/for-you"


def parse(**fields):
    return read("POST /recommendations", {"userId": "anna", **fields})


def read(route, body=b"", *, path=None, **query):
    event = http_event(route, body, base64_encoded=isinstance(body, bytes), path=path, query=query)
    return PARSERS[route](event)


@pytest.mark.parametrize("fields", [{}, {"numResults": 0}])
def test_default_number_of_results_is_25(fields):
    assert parse(**fields) == RecommendationRequest("anna", num_results=25)


def test_metadata_columns_are_accepted_in_both_spellings():
    request = parse(metadataColumns={"ITEMS": ["CATEGORY_L1", "categoryL2", "TITLE", "title"]})

    columns = {"CATEGORY_L1": "categoryL1", "categoryL2": "categoryL2", "TITLE": "title", "title": "title"}
    assert request.metadata_columns == tuple(columns.items())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"userId": None}, "userId is missing, expected a user: for-you requires a user"),
        (
            {"userId": None, "itemId": "pear"},
            "userId is missing, expected a user: for-you requires a user; "
            "similar-items and bought-together need only itemId",
        ),
        (
            {"numResults": 51, "metadataColumns": {"ITEMS": ["title"]}},
            "numResults is 51, expected a whole number from 0 to 50",
        ),
        ({"filterValues": {"A": "x" * 1_001}}, "filterValues.A has 1001 characters, expected at most 1000"),
        ({"filterValues": {"A": '"x'}}, 'filterValues.A is "\\"x", expected quoted values with commas between'),
        ({"filterValues": {"A-B": "1"}}, 'a key of filterValues is "A-B", expected 1 to 50 letters'),
        ({"context": {"": "v"}}, 'a key of context is "", expected a non-empty string'),
        ({"context": {"K" * 151: "v"}}, "a key of context has 151 characters, expected at most 150"),
        ({"context": {"DEVICE": 7}}, "context.DEVICE is 7, expected"),
        ({"context": {"DEVICE": "x" * 1001}}, "context.DEVICE "),
        ({"campaignArn": ARN, "recommenderArn": ARN}, "campaignArn and recommenderArn are both given"),
    ],
)
def test_invalid_request_is_refused_with_its_reason(fields, reason):
    with pytest.raises(InvalidInput) as caught:
        parse(**fields)

    assert str(caught.value).startswith(reason)


def test_filter_is_the_last_part_of_its_arn_and_values_are_parsed():
    request = parse(
        filterArn=ARN.replace("recommender/for-you", "filter/cheap"), filterValues={"P": '"a","b"', "Q": "1"}
    )

    assert (request.filter_name, request.filter_values) == ("cheap", {"P": ("a", "b"), "Q": ("1",)})


@pytest.mark.parametrize("text", ["", " "])
def test_blank_search_is_invalid(text):
    with pytest.raises(InvalidInput, match="query"):
        read("GET /search", query=text)


NAMES = ("for-you", "similar-items", "bought-together", "buy-again", "trending", "trending-3h", "popular")
ARNS = st.sampled_from([ARN.replace("for-you", name) for name in NAMES])
ROUTES = {"POST /recommendations": GET_RECOMMENDATIONS, "POST /personalize-ranking": GET_PERSONALIZED_RANKING}
NEAR = {key: near(fields) for key, fields in ROUTES.items()}
JUDGES = {key: judge(fields.schema()) for key, fields in ROUTES.items()}


def takes(key, body):
    try:
        PARSERS[key](http_event(key, body, base64_encoded=True))
    except NotFound:
        return True
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize("key", ROUTES)
@given(data=st.data())
def test_parser_accepts_the_same_bodies_as_the_schema(key, data):
    body = data.draw(NEAR[key])

    assert takes(key, body) == JUDGES[key].is_valid(body)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "userId": st.sampled_from(["anna", None]),
            "itemId": st.sampled_from(["pear", None]),
            "cart": st.sampled_from([None, [], ["pear"]]),
            "campaignArn": ARNS | st.none(),
            "recommenderArn": ARNS | st.none(),
            "numResults": st.sampled_from([0, 50, 51, 500, 501]),
            "metadataColumns": st.sampled_from([None, {}, {"ITEMS": []}, {"ITEMS": None}, {"ITEMS": ["title"]}]),
        },
    )
)
def test_parser_accepts_the_same_field_combinations_as_the_schema(body):
    assert takes("POST /recommendations", body) == JUDGES["POST /recommendations"].is_valid(body)


@pytest.mark.parametrize(("items", "columns", "taken"), [(50, ["a"], True), (51, ["a"], False), (500, [], True)])
def test_ranking_with_metadata_has_the_item_limit_of_the_schema(items, columns, taken):
    body = {
        "campaignArn": ARN,
        "userId": "anna",
        "inputList": [f"item-{number}" for number in range(items)],
        "metadataColumns": {"ITEMS": columns},
    }
    key = "POST /personalize-ranking"

    assert (takes(key, body), JUDGES[key].is_valid(body)) == (taken, taken)
