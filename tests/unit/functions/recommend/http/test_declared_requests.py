"""Request schemas accept the same bodies as the parsers.

A body with an unknown recommender counts as accepted, because its status is 404.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.recommendations.request_fields import GET_PERSONALIZED_RANKING, GET_RECOMMENDATIONS
from alsolike.runtime.errors import InvalidInput, NotFound
from functions.recommend.http.request import PARSERS
from tests.builders.field_values import judge, near
from tests.builders.lambda_events import http_event

ARN = "arn:aws:personalize:us-east-1:123456789012:recommender"
NAMES = ("for-you", "similar-items", "bought-together", "buy-again", "trending", "trending-3h", "popular")
ARNS = st.sampled_from([f"{ARN}/{name}" for name in NAMES])
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
        "campaignArn": f"{ARN}/for-you",
        "userId": "anna",
        "inputList": [f"item-{number}" for number in range(items)],
        "metadataColumns": {"ITEMS": columns},
    }
    key = "POST /personalize-ranking"

    assert (takes(key, body), JUDGES[key].is_valid(body)) == (taken, taken)
