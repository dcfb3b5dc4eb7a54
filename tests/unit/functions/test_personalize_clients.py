"""Responses as parsed by an unchanged boto3 client of Amazon Personalize."""

import tempfile
import time
from urllib.parse import urlsplit

import pytest

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from functions.collect import handler as collect
from functions.recommend import handler as recommend
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event
from tests.builders.personalize_clients import personalize_client

DATASETS = "arn:aws:personalize:eu-west-1:1:dataset/shop"
COLLECTED = ("/events", "/items", "/users", "/actions", "/action-interactions")
ROUTES = {
    **dict.fromkeys(COLLECTED, collect.lambda_handler),
    **dict.fromkeys(("/action-recommendations", "/recommendations"), recommend.lambda_handler),
}


def handle(request):
    """Return the handler's response to a client's request, as the HTTP API does."""
    path = urlsplit(request.url).path
    body = request.body.encode() if isinstance(request.body, str) else request.body
    return ROUTES[path](http_event(f"POST {path}", body), LambdaContext())


@pytest.fixture
def personalize(
    aws, artefact_bucket, profiles_table, catalogue_table, users_table, tmp_path, set_variables, monkeypatch
):
    aws("kinesis").create_stream(StreamName="events", ShardCount=1)
    set_variables(STREAM_NAME="events", TRACKING_ID="shop", TIME_BUDGET_MS="0")
    monkeypatch.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return lambda service: personalize_client(service, handle)


def test_client_can_put_events_items_and_users(personalize, aws):
    client = personalize("personalize-events")

    event = {"eventType": "Purchase", "sentAt": NOW_MS / 1000, "itemId": "pear", "properties": '{"a": "b"}'}
    client.put_events(trackingId="shop", userId="anna", sessionId="s1", eventList=[event])
    client.put_items(datasetArn=f"{DATASETS}/ITEMS", items=[{"itemId": "pear"}])
    client.put_users(datasetArn=f"{DATASETS}/USERS", users=[{"userId": "anna"}])

    assert aws("dynamodb").get_item(TableName="catalogue", Key={"item_id": {"S": "pear"}})["Item"]
    assert aws("dynamodb").get_item(TableName="users", Key={"user_id": {"S": "anna"}})["Item"]


def test_client_can_put_actions_and_action_interactions(personalize, aws, artefact_bucket):
    client = personalize("personalize-events")

    client.put_actions(datasetArn=f"{DATASETS}/ACTIONS", actions=[{"actionId": "app", "properties": '{"value": 2}'}])
    taken = {"actionId": "app", "userId": "anna", "sessionId": "s1", "timestamp": NOW_MS / 1000, "eventType": "TAKEN"}
    client.put_action_interactions(trackingId="shop", actionInteractions=[taken])

    assert ActionStore(aws("s3"), artefact_bucket).all() == [Action("app", {"value": 2})]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.put_actions(datasetArn=f"{DATASETS}/ITEMS", actions=[{"actionId": "app"}])


def test_refused_events_raise_the_exception_of_the_client(personalize):
    client = personalize("personalize-events")

    with pytest.raises(client.exceptions.InvalidInputException, match="eventType is 'Rating'"):
        client.put_events(
            trackingId="shop", sessionId="s1", eventList=[{"eventType": "Rating", "sentAt": 1, "itemId": "pear"}]
        )


def test_client_can_read_recommendations(personalize, aws, world, profiles_table):
    world.serve(transitions={("pear", "fig"): 2.0}, properties={"fig": {"title": "Fig"}})
    entry = RecentInteraction(NOW_MS, "e1", "pear", "view")
    ProfileStore(aws("dynamodb"), profiles_table).add("u#anna", [entry], now_ms=NOW_MS)

    found = personalize("personalize-runtime").get_recommendations(
        recommenderArn="arn:aws:personalize:eu-west-1:123456789012:recommender/for-you",
        userId="anna",
        numResults=1,
        metadataColumns={"ITEMS": ["TITLE"]},
    )

    assert found["itemList"] == [{"itemId": "fig", "score": 2.0, "metadata": {"TITLE": "Fig"}}]
    assert found["recommendationId"]


def test_filter_applies_and_an_unknown_one_raises_resource_not_found(personalize, world):
    world.serve()
    world.configure(filters={"only": "INCLUDE ItemID WHERE Items.ITEM_ID IN ($IDS)"})
    client = personalize("personalize-runtime")
    arn = "arn:aws:personalize:eu-west-1:123456789012:filter/"

    found = client.get_recommendations(
        userId="anna", filterArn=f"{arn}only", filterValues={"IDS": '"kiwi","plum"'}, numResults=5
    )

    assert [item["itemId"] for item in found["itemList"]] == ["kiwi", "plum"]
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="expected only"):
        client.get_recommendations(userId="anna", filterArn=f"{arn}other")


def test_unknown_campaign_raises_resource_not_found(personalize):
    client = personalize("personalize-runtime")

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_recommendations(campaignArn="arn:aws:personalize:eu-west-1:1:campaign/other", userId="anna")


def test_client_can_read_action_recommendations(personalize, aws, artefact_bucket):
    ActionStore(aws("s3"), artefact_bucket).put(
        [Action("app", {}), Action("mail", {"actionExpirationTimestamp": 5})], now_ms=0
    )
    client = personalize("personalize-runtime")
    arn = "arn:aws:personalize:eu-west-1:1:campaign"

    found = client.get_action_recommendations(campaignArn=f"{arn}/next-best-action", userId="anna", numResults=3)

    assert found["actionList"] == [{"actionId": "app", "score": 0.0}]
    assert found["recommendationId"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_action_recommendations(campaignArn=f"{arn}/other", userId="anna")
    with pytest.raises(client.exceptions.InvalidInputException, match="filterArn is given"):
        client.get_action_recommendations(userId="anna", filterArn="arn:aws:personalize:eu-west-1:1:filter/a")
