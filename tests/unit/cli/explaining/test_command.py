"""`alsolike explain`: the logged row, and a replay of the response."""

import time

import pytest

from alsolike.configuration import recommendation_id
from alsolike.lake import served
from tests.builders.served_rows import served as served_row
from tests.unit.cli.explaining.answers import NOW_MS, archive, document, explain, log, replayed
from tests.unit.cli.shop import NAMES


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

    found = explain(response_id, "--user", "anna")

    assert found.exit_code == 0
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


def test_other_user_is_refused(function, pseudonyms):
    response_id = log(function, shopper=pseudonyms.shopper("anna"))

    found = explain(response_id, "--user", "ben")

    assert found.exit_code == 1
    assert "--user is 'ben', but the response was for another user" in str(found.exception)
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
    """The object of the day before is not a Parquet file, so reading it would raise an error."""
    response_id = log(function, shopper=None)
    other = served.partition_prefix(served.served_date(NOW_MS - 86_400_000))
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=f"{other}x.parquet", Body=b"no parquet")

    assert document(response_id)["replay"]["same"]
