"""The log line of each response: its fields, its pseudonymised user, and responses without a line."""

import json
import re
import time

import pytest

from alsolike.configuration import recommendation_id
from alsolike.lake.served import read_line
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.records.served_response import ServedResponse, state_hash
from alsolike.trends.store import trends_key
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import ARN, invoke


@pytest.fixture
def lines(capsys):
    return lambda: [read_line(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"served"')]


def test_response_is_logged_in_one_complete_line(shop, pseudonyms, lines):
    shop.configure(filters={"sweet": 'INCLUDE ItemID WHERE Items.TAGS IN ("sweet")'})
    shop.publish()
    shop.catalogue({"fig": {"tags": ["sweet"]}, "plum": {"tags": ["sweet"]}})
    shop.remember("u#anna", "pear")

    answer = shop.post({"userId": "anna", "numResults": 2, "filterArn": f"{ARN}:filter/sweet"})

    document = json.loads(answer["body"])
    parsed_id = recommendation_id.parse(document["recommendationId"])
    (row,) = lines()
    assert row == ServedResponse(
        recommendation_id=document["recommendationId"],
        served_ms=parsed_id.answered_ms,
        recommender="for-you",
        model_version="v1",
        arms=(),
        shopper=pseudonyms.shopper("anna"),
        session=None,  # The hash of the session would be equal to `shopper`, because the request has only one ID.
        source="model",
        degraded=(),
        configuration=1,
        rules=None,
        filter="sweet",
        page_item=None,
        asked=2,
        item_ids=("fig", "plum"),
        origins=("ranked", "ranked"),
        propensities=(None, None),
        took_ms=row.took_ms,
        top_score=2.0,
        correlation_id="r1",
        scores=(2.0, 1.0),
        catalogue=row.catalogue,
        history=state_hash(["pear-view-1000"]),
        request='{"filter":"sweet"}',
    )
    assert row.took_ms is not None
    assert row.catalogue is not None
    assert re.fullmatch("[0-9a-f]{16}", row.catalogue)
    assert 0 < row.took_ms < 60_000


def test_log_line_has_arms_rules_and_propensities(shop, lines):
    """`read_line` rejects a line whose arms differ from those of its recommendation ID."""
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.configure(
        items={"columns": {"CREATION_TIMESTAMP": "timestamp", "CATEGORY_L1": "string"}},
        filters={"stone": 'INCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("stone")'},
        rules={
            "bold": {
                "pins": [{"item": "kiwi", "position": 1}],
                "promotions": [{"filter": "stone", "share": 0.5}],
                "exploration": {"share": 0.5, "new_for_days": 3},
            }
        },
        experiments={
            "spring": {
                "start": "2020-01-01T00:00:00Z",
                "arms": {"one": {"share": 0.5, "rules": "bold"}, "two": {"share": 0.5, "rules": "bold"}},
            }
        },
    )
    shop.catalogue({"kiwi": {}, "plum": {"categoryL1": "stone"}, "pear": {"creationTimestamp": time.time() - 60}})

    shop.post({"userId": "anna", "numResults": 4})

    (row,) = lines()
    assert row.arms[0] in ("spring/one", "spring/two")
    assert row.rules == "bold"
    assert (row.item_ids[0], row.origins[0], row.propensities[0]) == ("kiwi", "pinned", None)
    assert "promoted:stone" in row.origins
    selected = [propensity for propensity in row.propensities if propensity is not None]
    assert selected
    assert all(0 < propensity <= 1 for propensity in selected)


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ({"recommender": "popular"}, "popular"),
        ({"recommender": "similar-items"}, "similar-items"),
        ({"recipe": "aws-trending-now"}, "trending"),
        ({"recommender": "for-you"}, "for-you"),
    ],
)
def test_line_of_an_alias_has_its_recommender(shop, lines, alias, expected):
    shop.configure(aliases={"home": alias})
    shop.publish()

    answer = shop.post({"campaignArn": f"{ARN}:campaign/home", "userId": "anna", "itemId": "pear"})

    (row,) = lines()
    assert row.recommender == expected
    assert recommendation_id.parse(json.loads(answer["body"])["recommendationId"]).recommender == expected


def test_line_of_an_alias_that_ranks_has_its_recommender(shop, lines):
    shop.configure(aliases={"home": {"recommender": "for-you"}})
    body = {"campaignArn": f"{ARN}:campaign/home", "userId": "anna", "inputList": ["fig"]}

    shop.post(body, route="POST /personalize-ranking")

    assert [row.recommender for row in lines()] == ["personalized-ranking"]


def test_log_line_has_filled_positions_and_page_item(shop, lines):
    shop.publish()

    shop.get("GET /items/{itemId}/similar", path={"itemId": "pear"}, numResults="2")
    shop.get("GET /popular")

    similar, popular = lines()
    assert (similar.recommender, similar.page_item, similar.asked) == ("similar-items", "pear", 2)
    assert (similar.shopper, similar.session) == (None, None)
    assert (popular.recommender, popular.page_item) == ("popular", None)
    assert len(popular.origins) == len(popular.item_ids)


def test_log_line_of_a_response_without_a_model_has_the_reason(shop, lines):
    shop.post({"userId": "anna"})

    (row,) = lines()
    assert (row.model_version, row.item_ids, row.degraded) == ("none", (), ("no-model",))


@pytest.mark.parametrize(
    ("pseudonymise", "token", "user", "session"),
    [
        ("0", {"sessionId": "visit"}, None, "visit"),
        ("0", {"sessionId": "visit", "userId": "anna"}, "anna", "visit"),
        ("1", {"sessionId": "visit", "userId": "anna"}, "anna", "visit"),
    ],
)
def test_log_line_has_the_user_and_session_of_the_token(
    pseudonymise, token, user, session, shop, pseudonyms, monkeypatch, lines
):
    monkeypatch.setenv("PSEUDONYMISE_IDS", pseudonymise)

    shop.get("GET /session/recommendations", token=token)

    stored = (pseudonyms.user, pseudonyms.session) if pseudonymise == "1" else (str, str)
    (row,) = lines()
    assert row.shopper == (None if user is None else pseudonyms.shopper(stored[0](user)))
    assert row.session == pseudonyms.shopper(stored[1](session))


def test_ambiguous_pseudonymised_id_is_logged_with_both_hashes(shop, pseudonyms, monkeypatch, lines):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")

    shop.post({"userId": "anna"})

    (row,) = lines()
    assert row.shopper == pseudonyms.shopper(pseudonyms.user("anna"))
    assert row.session == pseudonyms.shopper(pseudonyms.session("anna"))
    assert row.shopper != row.session


def test_refusals_batches_and_304_responses_are_not_logged(shop, lines):
    """The requests are rejected, in a batch, or for a response that the client has cached."""
    shop.publish()
    etag = shop.get("GET /popular")["headers"]["etag"]
    assert len(lines()) == 1

    assert shop.get("GET /popular", headers={"if-none-match": etag})["statusCode"] == 304
    assert shop.post({"userId": "anna", "numResults": -1})["statusCode"] == 400
    invoke(batch={"users": ["anna"]})

    assert lines() == []


def test_missing_secret_is_read_once_per_interval_and_hides_the_user(shop, monkeypatch, capsys, counted):
    """After the interval, the secret is read again. Until then, log lines have no user."""
    monkeypatch.setenv("SECRET_ARN", "no-such-secret")
    now_ms = NOW_MS
    monkeypatch.setattr(time, "time_ns", lambda: now_ms * 1_000_000)
    requested: list[str] = []

    def ask(client, secret_arn):
        requested.append(secret_arn)
        return pseudonyms_of(client, secret_arn)

    monkeypatch.setattr("functions.recommend.dependencies.pseudonyms_of", ask)

    for _ in range(2):
        assert shop.post({"userId": "anna"})["statusCode"] == 200

    out = capsys.readouterr().out.splitlines()
    rows = [read_line(line) for line in out if line.startswith('{"served"')]
    assert [(row.shopper, row.session) for row in rows] == [("unknown", None)] * 2
    assert sum('"ServedToUnknown":[1]' in line for line in out) == 2
    assert len(requested) == 1

    now_ms += 30_000
    shop.post({"userId": "anna"})
    assert len(requested) == 2


def test_response_without_user_needs_no_secret(shop, monkeypatch, lines, counted):
    monkeypatch.setenv("SECRET_ARN", "no-such-secret")

    shop.get("GET /popular")

    assert [row.shopper for row in lines()] == [None]


def test_correlation_id_of_the_caller_is_in_response_and_log_line(shop, lines, logged):
    shop.publish()

    answer = shop.get("GET /popular", headers={"x-correlation-id": "order-17"})
    refused = shop.get("GET /popular", headers={"x-correlation-id": "order-18"}, numResults="none")

    assert answer["headers"]["x-correlation-id"] == "order-17"
    assert [line.correlation_id for line in lines()] == ["order-17"]
    assert (refused["statusCode"], refused["headers"]["x-correlation-id"]) == (400, "order-18")
    (parsed_id,) = [line for line in logged().splitlines() if "request refused" in line]
    assert '"correlation_id":"order-18"' in parsed_id


def test_log_line_of_an_agent_names_the_agent(shop, lines):
    shop.publish()

    for headers in ({"x-alsolike-agent": "assistant"}, {}):
        shop.get("GET /popular", headers=headers)

    assert [line.agent for line in lines()] == ["assistant", None]


def test_line_of_a_plain_request_references_only_the_state_it_used(shop, lines):
    shop.publish()

    shop.get("GET /popular")

    (row,) = lines()
    assert (row.catalogue, row.history, row.trends, row.impressions, row.request) == ("none", None, None, None, None)


@pytest.mark.parametrize(
    ("fields", "logged"),
    [
        ({"exclude": ["fig"]}, {"exclude": ["fig"]}),
        ({"exclude": []}, None),
        ({"context": {"DEVICE": "Phone"}}, {"context": {"DEVICE": "Phone"}}),
        ({"context": {"CITY": "Zürich\u00a0"}}, {"context": {"CITY": "Zürich\u00a0"}}),
        (
            {"filterArn": f"{ARN}:filter/tagged", "filterValues": {"TAG": '"sweet"'}},
            {"filterValues": {"TAG": '"sweet"'}, "filter": "tagged"},
        ),
        ({"campaignArn": f"{ARN}:campaign/home"}, {"campaign": "home"}),
        ({"campaignArn": f"{ARN}:campaign/trending-3h"}, {"window": "3h"}),
        ({"exclude": ["x" * 250] * 80}, {"omitted": True}),
    ],
)
def test_line_has_the_parameters_without_a_column(shop, lines, fields, logged):
    shop.configure(
        filters={"tagged": "INCLUDE ItemID WHERE Items.TAGS IN ($TAG)"}, aliases={"home": {"recommender": "for-you"}}
    )
    shop.publish()

    shop.ask(**fields)

    (row,) = lines()
    assert (None if row.request is None else json.loads(row.request)) == logged


def test_line_of_a_ranking_has_the_requested_items_if_some_were_excluded(shop, lines):
    shop.publish()
    shop.catalogue({"fig": None})

    for items in (["kiwi", "plum"], ["kiwi", "fig"]):
        body = {"userId": "anna", "campaignArn": f"{ARN}:campaign/personalized-ranking", "inputList": items}
        shop.post(body, route="POST /personalize-ranking")

    assert [row.request for row in lines()] == [None, '{"inputList":["kiwi","fig"]}']


def test_line_of_trending_items_references_the_counters(shop, lines):
    shop.count(fig=30)

    shop.get("GET /trending")

    (row,) = lines()
    etag = shop.s3.head_object(Bucket=shop.bucket, Key=trends_key("shard-1"))["ETag"]
    assert row.trends == state_hash([etag])
