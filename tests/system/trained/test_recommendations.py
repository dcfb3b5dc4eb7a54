"""Recommendations through the gateway and the functions, with Personalize's client and plain requests.

Some tests need the state that earlier tests left.
"""

import collections
import datetime as dt
import json
import urllib.parse

import pytest

from alsolike.declarations.storage import CONFIGURATION_KEY
from tests.booted.shop import empty_quarantine, eventually

ARN = "arn:aws:personalize:us-east-1:123456789012"


@pytest.fixture
def runtime(shop):
    """Return the client of a shop that migrates from Personalize. Only endpoint and key pair change."""
    return shop.personalize("personalize-runtime")


@pytest.fixture(scope="module", autouse=True)
def burst(shop):
    for visit in range(20):
        shop.send(f"visitor-{visit}", "item-29")
    assert eventually(lambda: get(shop, "/trending", window="1d").headers["x-alsolike-source"] == "trending")


def get(shop, path, **query):
    return shop.get(f"{path}?{urllib.parse.urlencode(query)}" if query else path)


@pytest.mark.parametrize(
    ("recommender", "parameters", "source"),
    [
        ("for-you", {"userId": "user-0"}, "model"),
        ("buy-again", {"userId": "user-0"}, "model"),
        ("recently-viewed", {"userId": "user-0"}, "recent"),
        ("similar-items", {"itemId": "item-03"}, "similar"),
        ("bought-together", {"itemId": "item-03"}, None),
        ("trending-1d", {}, "trending"),
        ("popular", {}, "popular"),
    ],
)
def test_personalize_client_gets_every_recommender(runtime, recommender, parameters, source):
    found = runtime.get_recommendations(recommenderArn=f"{ARN}:recommender/{recommender}", numResults=5, **parameters)

    assert found["itemList"]
    assert found["recommendationId"]
    headers = found["ResponseMetadata"]["HTTPHeaders"]
    assert source in (None, headers["x-alsolike-source"])
    assert "x-alsolike-degraded" not in headers


def test_personalize_client_ranks_items(runtime):
    """User 0 buys in aisle 0."""
    found = runtime.get_personalized_ranking(
        campaignArn=f"{ARN}:campaign/personalized-ranking", userId="user-0", inputList=["unknown", "item-11", "item-03"]
    )

    assert [item["itemId"] for item in found["personalizedRanking"]] == ["item-03", "item-11", "unknown"]


def test_get_routes_have_cache_headers_and_explanations(shop):
    first = get(shop, "/items/item-03/similar", numResults="3")
    assert first.headers["cache-control"] == "public, max-age=60"
    assert "item-03" not in first.items

    again = shop.get("/items/item-03/similar?numResults=3", **{"if-none-match": first.headers["etag"]})

    assert (again.status, again.headers["etag"]) == (304, first.headers["etag"])
    assert get(shop, "/popular", numResults="2").items
    mine = get(shop, "/users/user-0/recommendations", numResults="3", explain="true")
    assert mine.headers["cache-control"] == "private, no-cache"
    assert all('"contribution"' in reason for item in mine.document["itemList"] for reason in item["reason"])
    assert any(item["reason"] for item in mine.document["itemList"])


def test_viewed_item_is_in_recently_viewed_within_seconds(shop):
    shop.send("user-0", "item-21")

    def viewed():
        return get(shop, "/users/user-0/recommendations", recommender="recently-viewed").items

    assert eventually(viewed, holds=lambda items: items[:1] == ["item-21"])[0] == "item-21"


def served_rows(shop):
    return {row["recommendation_id"]: row for row in shop.lake_rows("served/")}


def test_served_response_is_in_the_lake_within_seconds(shop):
    empty_quarantine(shop)
    answer = shop.recommend("user-0", k=5)
    recommendation_id = answer.document["recommendationId"]

    rows = eventually(lambda: served_rows(shop), holds=lambda found: recommendation_id in found)

    row = rows[recommendation_id]
    assert (row["item_ids"], row["recommender"], row["source"]) == (answer.items, "for-you", "model")
    assert row["model_version"] == answer.headers["x-alsolike-model-version"]
    assert len(row["shopper"]) == 32
    assert "user-0" not in str(row)
    assert shop.alsolike("quarantine", "list") == []


def test_response_is_explained_by_its_id(shop):
    recommendation_id = shop.recommend("user-0", k=5).document["recommendationId"]
    eventually(lambda: served_rows(shop), holds=lambda found: recommendation_id in found)

    found = shop.alsolike("explain", recommendation_id, "--user", "user-0")

    assert found["replay"]["same"], found["replay"]["differences"]
    assert any(item["reasons"] for item in found["items"])
    assert "was for another user" in shop.alsolike("explain", recommendation_id, "--user", "user-1", exit_code=1)
    assert "was not created by this service" in shop.alsolike("explain", recommendation_id[:-1], exit_code=1)
    similar = get(shop, "/items/item-03/similar", numResults="3").document["recommendationId"]
    eventually(lambda: served_rows(shop), holds=lambda rows: similar in rows)
    assert shop.alsolike("explain", similar)["replay"]["same"]


def test_users_of_an_experiment_get_their_arms_and_a_report(shop):
    arms = ("--arm", "control=0.5", "--arm", "recent=0.5:recommender=recently-viewed")
    shop.alsolike("experiments", "start", "recent-first", *arms, "--on", "for-you", "--yes")
    users = [f"user-{number}" for number in range(8)]
    eventually(lambda: shop.recommend(users[0]), holds=lambda found: "x-alsolike-arms" in found.headers)

    answers = {user: shop.recommend(user) for user in users}

    assigned = {
        user: shop.alsolike("experiments", "assign", "--user", user)["arms"]["recent-first"] for user in users[:3]
    }
    got = {user: answer.headers["x-alsolike-arms"].removeprefix("recent-first/") for user, answer in answers.items()}
    assert {user: got[user] for user in assigned} == assigned
    assert set(got.values()) == {"control", "recent"}
    for user, answer in answers.items():
        assert answer.headers["x-alsolike-source"] == ("recent" if got[user] == "recent" else "model")
    recommendation_ids = {answer.document["recommendationId"] for answer in answers.values()}
    eventually(lambda: served_rows(shop), holds=lambda rows: recommendation_ids <= set(rows))
    shop.invoke("AttributeOutcomes")
    report = shop.alsolike("experiments", "report", "recent-first")
    assert {arm["name"]: arm["users"] for arm in report["arms"]} == dict(collections.Counter(got.values()))
    assert (report["verdict"], report["excluded"]["users_in_two_arms"]) == ("too little", 0)
    shop.alsolike("experiments", "stop", "recent-first", "--winner", "control", "--yes")
    eventually(lambda: shop.recommend(users[0]), holds=lambda found: "x-alsolike-arms" not in found.headers)
    assert "x-alsolike-arms" not in shop.recommend(users[0]).headers


RULES = """\
format: 1
filters:
  other: INCLUDE ItemID WHERE Items.ITEM_ID IN ("item-21", "item-22")
recommenders: {popular: {rules: front}}
rules: {front: {pins: [{item: item-11, position: 1}, {item: nobody, position: 3}]}}
"""


def test_rules_are_previewed_applied_and_kept(shop, runtime, tmp_path):
    draft = tmp_path / "rules.yaml"
    draft.write_text(RULES)
    before = get(shop, "/popular", numResults="4")

    tried = shop.alsolike("rules", "preview", "--recommender", "popular", "-k", "4", "--file", draft)
    shop.alsolike("config", "apply", draft)
    answer = eventually(
        lambda: get(shop, "/popular", numResults="4"), holds=lambda found: "x-alsolike-rules" in found.headers
    )

    assert [item["itemId"] for item in tried["before"]] == before.items
    assert [item["itemId"] for item in tried["after"]] == answer.items
    assert answer.items[0] == "item-11"
    assert answer.headers["x-alsolike-rules-unmet"] == "pin:nobody unknown"
    assert [each["name"] for each in shop.alsolike("rules", "list")] == ["front"]
    rest = get(shop, "/popular", numResults="4", exclude=",".join(answer.items[1:]))
    assert rest.items[0] == "item-11"
    assert set(rest.items).isdisjoint(answer.items[1:])

    found = runtime.get_recommendations(
        recommenderArn=f"{ARN}:recommender/for-you",
        userId="user-0",
        numResults=4,
        promotions=[{"name": "aisle", "percentPromotedItems": 50, "filterArn": f"{ARN}:filter/other"}],
    )
    assert {"item-21", "item-22"} <= {item["itemId"] for item in found["itemList"]}
    assert {item.get("promotionName") for item in found["itemList"]} == {None, "aisle"}


def test_gateway_refusals_keep_their_format(shop):
    for token, status, message in (("", 401, "Unauthorized"), (shop.cloud.token(["alsolike/admin"]), 403, "Forbidden")):
        answer = shop.get("/popular", token=token)
        assert (answer.status, answer.document) == (status, {"message": message})


def test_outage_raises_an_alarm_that_ends_with_it(shop):
    client, artefacts = shop.cloud.client, shop.name("artefact-bucket")
    queue = client("sqs").create_queue(QueueName="operator")["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    client("sns").subscribe(TopicArn=shop.name("alerts-topic-arn"), Protocol="sqs", Endpoint=attributes["QueueArn"])
    kept = client("s3").get_object(Bucket=artefacts, Key=CONFIGURATION_KEY)["Body"].read()

    client("s3").put_object(Bucket=artefacts, Key=CONFIGURATION_KEY, Body=b"damaged")
    eventually(lambda: shop.recommend("user-0"), holds=lambda found: "x-alsolike-degraded" in found.headers)
    for _ in range(2):  # two periods of the alarm
        shop.cloud.advance(dt.timedelta(minutes=5))
        for _ in range(20):
            shop.recommend("user-0")

    assert alarm_state(shop, queue, "ShopSeesErrors") == "ALARM"
    client("s3").put_object(Bucket=artefacts, Key=CONFIGURATION_KEY, Body=kept)
    eventually(lambda: shop.recommend("user-0"), holds=lambda found: "x-alsolike-degraded" not in found.headers)
    shop.cloud.advance(dt.timedelta(minutes=10))
    assert alarm_state(shop, queue, "ShopSeesErrors") == "OK"


def alarm_state(shop, queue, alarm):
    shop.cloud.alarms()
    messages = []
    while found := shop.cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        messages += [json.loads(json.loads(message["Body"])["Message"]) for message in found]
    states = [message["NewStateValue"] for message in messages if alarm in message["AlarmName"]]
    return str(states[-1])
