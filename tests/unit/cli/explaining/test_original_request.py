"""Replays of a response with the original request."""

import json

import pytest

from tests.unit.cli.explaining.answers import document, explain, log, replayed

ARN = "arn:aws:personalize:us-east-1:1"
OPTIONS = {"filterValues": {"TAG": '"ripe"'}, "context": {"DEVICE": "phone"}, "exclude": ["kiwi"]}
BODY = {
    "userId": "anna", "numResults": 2, "recommenderArn": f"{ARN}:recommender/for-you",
    "filterArn": f"{ARN}:filter/sweet", **OPTIONS,
}  # fmt: skip


def request_file(tmp_path, **fields):
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**BODY, **fields}))
    return str(path)


def test_replay_uses_the_fields_of_the_given_request(function, pseudonyms, tmp_path):
    response_id = log(function, shopper=pseudonyms.shopper("anna"), filter="sweet")
    function.answer = replayed("fig")

    found = document(response_id, "--request", request_file(tmp_path))

    event = function.events[0]["replay"]
    assert {name: event[name] for name in OPTIONS} == OPTIONS
    assert event["userId"] == "anna"
    assert not any("pass the request" in each for each in found["replay"]["differences"] if "filter" in each)


def test_cart_is_replayed_from_the_request(function, pseudonyms, tmp_path):
    shopper = pseudonyms.shopper("anna")
    response_id = log(function, shopper=shopper, filter="sweet", recommender="bought-together", page_item="plum")

    document(response_id, "--request", request_file(tmp_path, cart=["kiwi", "plum"]))

    event = function.events[0]["replay"]
    assert (event["itemId"], event["cart"]) == ("plum", ["kiwi", "plum"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"numResults": 3}, "the request has items 3, but the response belongs to a request with 2"),
        ({"itemId": "fig"}, "the request has itemId 'fig', but the response belongs to a request with None"),
        ({"filterArn": f"{ARN}:filter/sour"},
         "the request has filterArn 'sour', but the response belongs to a request with 'sweet'"),
        ({"colour": "red"}, "colour is not a known field"),
    ],
)  # fmt: skip
def test_request_that_contradicts_the_response_is_refused(function, pseudonyms, tmp_path, fields, message):
    response_id = log(function, shopper=pseudonyms.shopper("anna"), filter="sweet")

    found = explain(response_id, "--request", request_file(tmp_path, **fields))

    assert found.exit_code == 1
    assert message in str(found.exception)
    assert function.events == []


def test_replay_uses_the_parameters_in_the_log(function, pseudonyms):
    stored = {"filterValues": {"TAG": '"ripe"'}, "exclude": ["kiwi"], "filter": "sweet", "campaign": "home"}
    shopper = pseudonyms.shopper("anna")
    response_id = log(
        function, shopper=shopper, filter="sweet", request=json.dumps(stored), origins=["ranked", "ranked"]
    )
    function.answer = replayed("fig")

    found = document(response_id, "--user", "anna")

    event = function.events[0]["replay"]
    assert {name: event[name] for name in ("filter", "filterValues", "exclude")} == {
        name: stored[name] for name in ("filter", "filterValues", "exclude")
    }
    assert not any("--request" in each for each in found["replay"]["differences"])
