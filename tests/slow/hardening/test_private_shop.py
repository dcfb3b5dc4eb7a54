"""Shop in a private network, with an API that only an interface endpoint reaches."""

import time
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

from alsolike.events.session_tokens import Session, mint
from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import eventually
from tests.system.trained.opened_shop import OpenedShop


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("private")
    assembly = synthesized(
        **QUICK,
        cors_origins=[],
        dataset_engine="lambda",
        private_api=True,
        # Without a network, a job cannot install packages, so the job's image contains all packages.
        training_image="123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1",
        training_network=False,
        vpc="create",
        web=False,
    )
    # At its end, `booted` asserts that IAM would refuse no request of a role.
    with OpenedShop.booted(assembly, directory) as shop:
        shop.open(directory)
        yield shop


def test_private_shop_accepts_events_and_recommends(shop):
    assert shop.send("visitor", "item-00", "item-01").status == 200

    answer = eventually(lambda: shop.recommend("user-0"), holds=lambda answer: answer.status == 200)
    assert answer.items
    assert answer.headers["x-alsolike-source"] == "model"
    assert shop.api_url.endswith("/api")


def test_private_shop_verifies_signatures_of_personalize_clients(shop):
    client = shop.personalize("personalize-runtime")
    arn = "arn:aws:personalize:us-east-1:123456789012:campaign/for-you"

    assert client.get_recommendations(campaignArn=arn, userId="user-0")["itemList"]


def test_private_shop_decodes_ids_in_paths_and_queries(shop):
    items = [{"itemId": item_id, "properties": "{}"} for item_id in ("blue shoe+1", "blue shoe+2")]
    put = shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": items})
    assert put.status == 200, put.document

    assert shop.administer("GET", "/items/blue%20shoe%2B1").document["itemId"] == "blue shoe+1"
    first = shop.administer("GET", "/items?limit=1").document
    second = shop.administer("GET", f"/items?limit=1&nextToken={quote(first['nextToken'])}").document
    assert first["items"][0]["itemId"] < second["items"][0]["itemId"]


def test_private_shop_authorizes_sessions_by_header_and_query(shop):
    secret = shop.cloud.client("secretsmanager").get_secret_value(SecretId=shop.name("session-key-arn"))
    token = mint(secret["SecretString"].encode(), Session("s1", "user-0"), now_s=int(time.time()))

    assert shop.get("/session/recommendations?numResults=3", token=token).items
    assert shop.get("/session/recommendations", token=f"{token}x").status == 403
    assert beacon(shop, token) == 200
    assert beacon(shop, f"{token}x") == 403


def beacon(shop, token):
    url = f"{shop.api_url}/session/beacons?authorization=Bearer%20{token}"
    body = b'{"eventList": [{"eventType": "view", "itemId": "item-00", "sentAt": %d}]}' % time.time()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST")) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_tokens_without_the_scope_are_refused(shop):
    assert shop.get("/users").status == 401
    assert shop.get("/popular", token="x.y.z").status == 401
    assert shop.get("/unknown").status == 403


@pytest.mark.parametrize("endpoint", ["", "-vpce-00000000"])
def test_request_that_comes_from_elsewhere_is_refused(shop, endpoint):
    (api_id,) = [each for each in shop.cloud.state.apis if each != "alsolike-demo"]

    answer = shop.get("/popular", host=f"{api_id}{endpoint}.execute-api.us-east-1.amazonaws.com")

    assert answer.status == 403
    assert "not authorized to perform: execute-api:Invoke" in answer.document["Message"]
