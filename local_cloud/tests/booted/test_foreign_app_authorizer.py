"""Lambda authorizers and throttling of an HTTP API, as AWS documents them."""

from typing import Any

import pytest


def enter(cloud, path, key, **headers):
    return cloud.http("GET", path, headers={"X-Key": key, **headers})


def decisions(cloud):
    counts = cloud.cloud.stats()["functions"].get(cloud.output("DoormanFunction"), {})
    return int(counts.get("invocations", 0))


def test_authorizer_context_is_passed_to_the_function(cloud):
    answer = enter(cloud, "/guarded/7?room=1", "open-1")

    authorizer = answer.json["requestContext"]["authorizer"]
    assert answer.status == 200
    assert set(authorizer) == {"lambda"}
    assert (authorizer["lambda"]["who"], authorizer["lambda"]["number"]) == ("open-1", 7)


def test_authorizer_is_invoked_with_payload_format_2(cloud):
    answer = enter(cloud, "/guarded/a%20b?room=1&x=2", "open-2", Cookie="c=3")

    event: dict[str, Any] = answer.json
    decided = event["requestContext"]["authorizer"]["lambda"]["event"]
    api_id = event["requestContext"]["apiId"]
    assert (decided["version"], decided["type"]) == ("2.0", "REQUEST")
    assert decided["routeArn"] == f"arn:aws:execute-api:us-east-1:123456789012:{api_id}/$default/GET/guarded/a b"
    assert decided["identitySource"] == ["open-2", "1"]
    assert decided["headers"]["x-key"] == "open-2"
    for same in ("routeKey", "rawPath", "rawQueryString", "queryStringParameters", "pathParameters", "cookies"):
        assert decided[same] == event[same]
    del event["requestContext"]["authorizer"]
    assert decided["requestContext"] == event["requestContext"]
    assert not {"body", "isBase64Encoded"} & set(decided)


@pytest.mark.parametrize(("key", "status"), [("open-remembered", 200), ("closed-remembered", 403)])
def test_decision_is_cached_by_identity_for_all_routes(cloud, key, status):
    before = decisions(cloud)

    answers = [enter(cloud, path, key) for path in ("/guarded?room=1", "/guarded?room=1", "/guarded/7?room=1&x=2")]

    assert [answer.status for answer in answers] == [status] * 3
    assert decisions(cloud) == before + 1
    enter(cloud, "/guarded?room=2", key)
    assert decisions(cloud) == before + 2


def test_route_above_its_burst_is_throttled_and_others_are_not(cloud):
    answers = [cloud.http("GET", "/limited") for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert answers[-1].json == {"message": "Too Many Requests"}
    assert cloud.http("GET", "/echo/x").status == 200


def test_access_log_has_refusals_and_authorized_callers(cloud):
    enter(cloud, "/guarded?room=log", "open-logged")
    enter(cloud, "/guarded?room=log", "closed-logged")
    for _ in range(3):
        cloud.http("GET", "/limited")

    lines = cloud.log_lines(cloud.output("AccessLog"))
    assert "GET /guarded 200 - open-logged" in lines
    assert "GET /guarded 403 the authorizer says no -" in lines
    assert "GET /limited 429 - -" in lines
