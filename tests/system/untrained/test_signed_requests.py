"""Clients of Amazon Personalize that are configured only by a key pair and endpoint variables."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.booted.shop import eventually

ARN = "arn:aws:personalize:us-east-1:123456789012"
REVOKED_WITHIN_S = 60


@pytest.fixture
def variables(shop):
    environment: Mapping[str, str] = shop.alsolike("keys", "create", "checkout")["environment"]
    yield environment
    shop.run_alsolike("keys", "delete", environment["AWS_ACCESS_KEY_ID"])


def client(service, variables, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return boto3.Session().client(service, config=Config(retries={"total_max_attempts": 1}))


def hour():
    return time.strftime("%Y-%m-%d %H:", time.gmtime())


def test_environment_variables_are_sufficient_for_a_program(shop, variables, monkeypatch):
    events, began = client("personalize-events", variables, monkeypatch), hour()
    runtime = client("personalize-runtime", variables, monkeypatch)

    events.put_events(
        trackingId=shop.name("tracking-id"),
        userId="signing",
        sessionId="s",
        eventList=[{"eventType": "View", "sentAt": time.time(), "itemId": "item-03"}],
    )
    events.put_items(datasetArn=shop.name("items-dataset-arn"), items=[{"itemId": "item-03"}])
    events.put_users(datasetArn=shop.name("users-dataset-arn"), users=[{"userId": "signing"}])

    answer = runtime.get_recommendations(recommenderArn=f"{ARN}:recommender/for-you", userId="user-0", numResults=3)
    assert answer["recommendationId"]
    assert len(answer["itemList"]) <= 3  # The list may be empty without a model.
    assert answer["ResponseMetadata"]["RequestId"]
    ranking = runtime.get_personalized_ranking(
        campaignArn=f"{ARN}:campaign/personalized-ranking", userId="user-0", inputList=["item-03", "item-04"]
    )
    assert [item["itemId"] for item in ranking["personalizedRanking"]] == ["item-03", "item-04"]
    listed = {key["key_id"]: key for key in shop.alsolike("keys", "list")}
    key = listed[variables["AWS_ACCESS_KEY_ID"]]
    assert (key["client"], key["access"], key["status"]) == ("checkout", ["write", "read"], "active")
    assert key["last_used"].startswith((began, hour()))
    assert (key["source"], key["calls"]) == ("127.0.0.1", 2)  # the first call of each function


def test_disabled_key_is_refused_within_a_minute(shop, variables, monkeypatch):
    runtime = client("personalize-runtime", variables, monkeypatch)
    request = {"recommenderArn": f"{ARN}:recommender/for-you", "userId": "user-0"}
    assert runtime.get_recommendations(**request)["recommendationId"]
    rotated = shop.alsolike("keys", "rotate", "checkout")["environment"]

    shop.run_alsolike("keys", "disable", variables["AWS_ACCESS_KEY_ID"])

    def refused():
        try:
            runtime.get_recommendations(**request)
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "UnrecognizedClientException")
        return False

    assert eventually(refused, within_s=REVOKED_WITHIN_S)
    assert client("personalize-runtime", rotated, monkeypatch).get_recommendations(**request)["recommendationId"]
    shop.run_alsolike("keys", "delete", rotated["AWS_ACCESS_KEY_ID"])


def test_curl_can_sign_every_route_of_the_key_scopes(shop, variables):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    endpoint = variables["AWS_ENDPOINT_URL_PERSONALIZE"]

    def curl(path):
        command = ["curl", "-s", f"{endpoint}{path}", "--aws-sigv4", f"aws:amz:{variables['AWS_REGION']}:personalize"]
        command += ["--user", f"{variables['AWS_ACCESS_KEY_ID']}:{variables['AWS_SECRET_ACCESS_KEY']}"]
        environment = {**os.environ, "CURL_CA_BUNDLE": variables.get("AWS_CA_BUNDLE", "")}
        done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
        return json.loads(done.stdout)

    assert "itemList" in curl("/users/user-0/recommendations?numResults=5")
    assert "itemList" in curl("/items/a%20b/similar?numResults=5&metadata=title,price")
    assert curl("/items")["__type"] == "AccessDeniedException"
