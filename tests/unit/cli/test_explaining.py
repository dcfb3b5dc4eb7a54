"""`alsolike explain`: the logged row, its differences from a replay, and the original request."""

from __future__ import annotations

import dataclasses
import functools
import json
import time

import pytest

from alsolike.configuration import recommendation_id
from alsolike.lake import partitions, served
from operations.explanation.replay_differences import Replay, differences
from tests.builders.parquet import SERVED, parquet
from tests.builders.served_rows import served as served_row
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.shop import NAMES
from tests.unit.cli.stub_function import replace_functions

NOW_MS = time.time_ns() // 1_000_000


def log(function, *, day_ms=NOW_MS, **fields):
    """Write a response to the recommendation log as archive_served does, and return its ID."""
    row = served_row(served_ms=NOW_MS, **fields)
    key = f"{served.partition_prefix(served.served_date(day_ms))}{row.recommendation_id}.parquet"
    body = parquet([{name: getattr(row, name) for name in SERVED.names}], SERVED)
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=body)
    return row.recommendation_id


def archive(function, *events):
    """Write events into the lake, given as tuples of user, item and time of arrival."""
    rows = [
        {"event_id": f"e{number}", "user_id": user, "item_id": item, "event_type": "view",
         "event_time_ms": at_ms, "received_time_ms": at_ms, "schema_version": 2}
        for number, (user, item, at_ms) in enumerate(events)
    ]  # fmt: skip
    key = f"{partitions.partition_prefix(partitions.event_date(events[0][2]))}events.parquet"
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=parquet(rows))


def replayed(*item_ids, **fields):
    reason = {"itemId": "pear", "eventType": "view", "timestamp": 1, "contribution": 2.0}
    return {
        "items": [
            {"itemId": item_id, "score": 1.0, "origin": "ranked", "reason": [json.dumps(reason)]}
            for item_id in item_ids
        ],
        "source": "model",
        "modelVersion": "v1",
        "configuration": 3,
        "rules": None,
        "arms": ["menu/short"],
        "degraded": [],
        **fields,
    }


explain = functools.partial(run, "explain", catch_exceptions=True)
document = functools.partial(run_json, "explain")


@pytest.fixture
def function(deployment, pseudonyms, monkeypatch):
    """Replace the function `recommend` by a stub whose replays all have the items fig and plum, and return the stub."""
    return replace_functions(deployment, replayed("fig", "plum"), monkeypatch)


def test_explanation_has_the_reasons_of_each_item(function, pseudonyms):
    log(function)
    response_id = log(function, shopper=pseudonyms.shopper("anna"), device="phone")
    archive(function, ("anna", "pear", NOW_MS - 1000), ("ben", "kiwi", NOW_MS - 900), ("anna", "nut", NOW_MS + 1))

    found = document(response_id, "--user", "anna")

    assert (found["recommender"], found["model_version"], found["arms"]) == ("for-you", "v1", ["menu/short"])
    places = [(item["place"], item["item_id"], item["replayed_place"]) for item in found["items"]]
    assert places == [(1, "fig", 1), (2, "plum", 2)]
    assert found["items"][1]["origin"] == "promoted:autumn"
    assert found["items"][1]["propensity"] == 0.25
    assert found["items"][0]["reasons"][0]["itemId"] == "pear"
    assert (found["replay"]["same"], found["replay"]["differences"]) == (True, [])
    assert function.invoked == [NAMES.recommend_function]
    event = function.events[0]["replay"]
    request = (event["nowMs"], event["userId"], event["recommender"], event["numResults"])
    assert request == (NOW_MS, "anna", "for-you", 2)
    assert event["context"] == {"DEVICE": "phone"}
    # Later interactions and interactions of other users are not part of the history.
    assert [each["itemId"] for each in event["history"]] == ["pear"]


def test_explanation_as_text_has_reasons_and_differences(function, pseudonyms):
    response_id = log(function, shopper=pseudonyms.shopper("anna"), origins=["ranked", "filled"])
    function.answer = replayed("fig")

    found = explain(response_id, "--user", "anna", exit_code=0)

    assert "view pear (2)" in found.stdout
    assert "popular: the list ended before" in found.stdout
    assert "repeated for the time of the response, the result differs:" in found.stdout


def test_positions_by_score_show_the_effect_of_reranking(function):
    response_id = log(
        function, item_ids=["fig", "plum", "nut"], origins=["ranked"] * 3, propensities=[None] * 3,
        scores=[0.5, None, 0.9],
    )  # fmt: skip

    items = document(response_id)["items"]

    assert [(item["item_id"], item["place_by_score"]) for item in items] == [("fig", 2), ("plum", None), ("nut", 1)]
    assert "by score" in explain(response_id).stdout


def test_response_without_user_is_replayed_without_a_user(function):
    response_id = log(function, shopper=None, recommender="similar-items", source="similar", page_item="pear")
    function.answer = replayed("fig", "plum", source="similar")

    assert document(response_id)["replay"]["same"]
    assert function.events[0]["replay"]["itemId"] == "pear"
    assert explain(response_id, "--user", "anna").exit_code == 1


def test_unreadable_object_does_not_hide_other_rows(function, monkeypatch):
    response_id, lost = log(function, shopper=None), served_row(served_ms=NOW_MS, shopper=None)
    day = served.partition_prefix(served.served_date(NOW_MS))
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=f"{day}0.parquet", Body=b"PAR1")

    assert document(response_id)["row"]
    monkeypatch.setattr(time, "time_ns", lambda: (NOW_MS + 3_600_000) * 1_000_000)
    assert "where 1 objects cannot be read" in str(explain(lost.recommendation_id).exception)


def test_response_is_shown_without_a_replay_if_the_user_is_missing(function):
    response_id = log(function)

    found = document(response_id)

    assert found["replay"] is None
    assert "--user" in found["not_replayed"]
    assert [item["item_id"] for item in found["items"]] == ["fig", "plum"]
    assert function.events == []


def test_session_is_accepted_as_the_user(function, pseudonyms):
    response_id = log(function, shopper=None, session=pseudonyms.shopper("visit"))

    assert document(response_id, "--user", "visit")["replay"]["same"]


def test_missing_row_error_has_the_contents_of_the_id(function):
    function.client("s3").put_object(Bucket=NAMES.artefact_bucket, Key="models/v7/manifest.json", Body=b"{}")
    late = recommendation_id.create(answered_ms=time.time_ns() // 1_000_000, recommender="popular", version="v7")
    old = recommendation_id.create(answered_ms=NOW_MS - 86_400_000, recommender="popular", version="v8")

    soon, gone = explain(late), explain(old)

    assert (soon.exit_code, gone.exit_code) == (1, 1)
    assert "model          v7" in soon.stdout
    assert "yet" in str(soon.exception)
    assert f"model          unknown ({recommendation_id.version_tag('v8')})" in gone.stdout
    assert "rows expire" in str(gone.exception)


@pytest.mark.parametrize("cut", ["", "x", "A" * 40])
def test_forged_or_truncated_id_is_refused(function, cut):
    good = recommendation_id.create(answered_ms=NOW_MS, recommender="popular", version="v7")
    changed = ("B" if good[0] != "B" else "C") + good[1:]

    for forged in (cut, good[:-1], good[:39] + "!", changed):
        found = explain(forged)
        assert found.exit_code == 1
        assert "was not created by this service" in str(found.exception)


def test_id_of_the_future_is_refused(function):
    ahead = recommendation_id.create(answered_ms=NOW_MS + 3_600_000, recommender="popular", version="v7")

    assert "has a time in the future" in str(explain(ahead).exception)


def test_refused_replay_has_its_reason(function):
    response_id = log(function, shopper=None, filter="sweet")
    function.answer = {"refused": {"type": "NotFound", "message": "filterArn ends in /sweet"}}

    assert document(response_id)["not_replayed"] == "filterArn ends in /sweet"


def test_only_objects_of_the_response_date_are_read(function):
    response_id = log(function, day_ms=NOW_MS - 86_400_000)

    assert "the response is not in s3://" in str(explain(response_id).exception)


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
        (None, "--user is 'ben', but the response was for another user"),
    ],
)  # fmt: skip
def test_request_or_user_that_contradicts_the_response_is_refused(function, pseudonyms, tmp_path, fields, message):
    response_id = log(function, shopper=pseudonyms.shopper("anna"), filter="sweet")
    options = ["--request", request_file(tmp_path, **fields)] if fields else ["--user", "ben"]

    found = explain(response_id, *options, exit_code=1)

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


NOTHING_KEPT = "no logged value differs: the replay uses the current catalogue"


@pytest.mark.parametrize(
    ("row", "replay", "message"),
    [
        ({}, {"model_version": "v2"}, "the model version is v2 now, it was v1"),
        ({}, {"configuration": 4}, "the configuration is 4 now, it was 3"),
        ({"rules": "spring"}, {}, "the rule set is none now, it was spring"),
        ({}, {"arms": ()}, "the arm is none now, it was menu/short"),
        ({"degraded": ["profile-unavailable"]}, {}, "the degradation is nothing now, it was profile-unavailable"),
        ({"propensities": [None, 0.5]}, {}, "chance chose for place 2"),
        ({}, {}, "the log has no promotions of the request"),
        ({"origins": ["ranked", "ranked"], "propensities": [None, None]}, {}, NOTHING_KEPT),
        ({"filter": "cheap"}, {}, "the log has no values for the parameters of filter cheap"),
        ({"recommender": "bought-together"}, {}, "the log has no cart: if the request had one"),
        ({"source": "trending"}, {"source": "trending"},
         "trending items are counted over the latest hour, not over the hour before the response"),
    ],
)  # fmt: skip
def test_differences_have_their_reasons(row, replay, message):
    same = Replay(("fig", "plum"), {}, "model", "v1", 3, None, ("menu/short",), ())
    other = dataclasses.replace(same, **{"item_ids": ("plum",), **replay})

    assert differences(served_row(**row), same) == []
    assert message in " / ".join(differences(served_row(**row), other))
