"""`alsolike rules forecast`, with a log and interactions in the lake, and an invoked function in this process."""

import functools
import json
import time

import pytest

from alsolike.runtime.errors import InvalidInput
from operations.client.deployment import Deployment
from operations.forecast.deployed import inputs_of
from operations.forecast.logged import logged_responses
from tests.builders.forecast_log import HOUR_MS, USERS, ForecastLog, event, swapped
from tests.builders.world import configure
from tests.unit.cli.command_line import run
from tests.unit.cli.shop import KEY, NAMES
from tests.unit.cli.stub_function import replace_functions

NOW_MS = time.time_ns() // 1_000_000
DRAFT = "format: 1\nrules: {spring: {pins: [{item: plum, position: 1}]}}\nrecommenders: {for-you: {rules: spring}}\n"


@pytest.fixture
def function(deployment, client, monkeypatch):
    parts = {"recommenders": {"for-you": {"swaps": 0.5}}, "rules": {"spring": {}}}
    configure(client("s3"), deployment.names.artefact_bucket, **parts)
    return replace_functions(deployment, swapped, monkeypatch)


def requests(function):
    return [request for event in function.events for request in event["forecast"]["requests"]]


def forecast(*arguments):
    return run("rules", "forecast", *arguments)


def document(*arguments):
    return json.loads(forecast(*arguments, "--json").stdout)


@pytest.fixture
def log(function, pseudonyms):
    return ForecastLog(function.client("s3"), NAMES.lake_bucket, pseudonyms, now_ms=NOW_MS)


@pytest.fixture
def busy(function, log):
    log.fill()
    return function


@pytest.fixture
def draft(tmp_path):
    file = tmp_path / "draft.yaml"
    file.write_text(DRAFT)
    return str(file)


def test_forecast_has_outcomes_of_the_draft_from_logged_responses(busy, draft):
    """Both items are equally popular, so their order has no effect."""
    found = document("--file", draft)

    assert (found["responses"], found["users"], found["changed"], found["support"]) == (USERS, USERS, 1.0, 1.0)
    by_name = {outcome["name"]: outcome for outcome in found["outcomes"]}
    assert list(by_name) == ["clicks", "purchases", "revenue"]
    assert by_name["clicks"]["present"]["value"] == pytest.approx(1.25, abs=0.05)
    assert by_name["revenue"]["draft"]["value"] == pytest.approx(7.5, abs=0.8)
    for outcome in by_name.values():
        assert outcome["difference"]["low"] <= 0 <= outcome["difference"]["high"]
        assert outcome["missing"] is None


def test_requests_have_the_history_before_the_response(busy, draft):
    document("--file", draft)

    assert set(busy.invoked) == {NAMES.recommend_function}
    sent = requests(busy)
    assert len(sent) == USERS
    assert {tuple(past["itemId"] for past in request["history"]) for request in sent} == {("pear",)}
    assert {(request["recommender"], request["numResults"]) for request in sent} == {("for-you", 2)}


def test_forecast_of_a_live_rule_set_needs_no_file(busy):
    assert document("--rules", "spring")["changed"] == 1.0


def test_model_of_a_canary_replaces_the_champion(busy):
    assert document("--model", "v2")["responses"] == USERS
    assert {event["forecast"]["model"] for event in busy.events} == {"v2"}


def test_forecast_as_text_has_differences_per_1000_responses(busy, draft):
    shown = forecast("--file", draft).stdout

    assert "per 1,000 responses" in shown
    assert "240 responses of for-you to 240 users in 28 days; the draft changes 100% of the lists" in shown


def test_responses_that_cannot_be_repeated_are_left_out_and_counted(busy, draft):
    other = {
        "user-1": {"refused": "filterValues.MAX is missing"},
        "user-2": {"present": ["fig"], "draft": ["fig"], "degraded": ["stale-model"]},
    }
    busy.answer = functools.partial(swapped, other=other)

    found = document("--file", draft)

    assert found["skipped"] == {"filterValues.MAX is missing": 1, "stale-model": 1}
    assert found["responses"] == USERS - 2
    assert "left out: 1 response (stale-model)" in forecast("--file", draft).stdout


def test_responses_without_their_inputs_are_left_out(function, log, draft):
    log.store_rows(
        log.row(1, catalogue=None, history=None),
        log.row(2, request='{"omitted":true}'),
        log.row(3, history="0123456789ab"),
        log.row(4, history=None, request='{"filter":"cheap","filterValues":{"MAX":"20"}}'),
    )
    log.store_events(log.view(3))

    found = document("--file", draft)

    assert sorted(found["skipped"]) == [
        "logged by an earlier version",
        "parameters too long for the log",
        "the lake has no interactions with the logged hash",
    ]
    (request,) = requests(function)
    assert (request["filter"], request["filterValues"], request["history"]) == ("cheap", {"MAX": "20"}, [])


def test_forecast_without_enough_users_has_no_number(function, log, draft):
    row = log.row(1)
    log.store_rows(row)
    log.store_events(log.view(1))

    found = document("--file", draft)

    missing = {outcome["missing"] for outcome in found["outcomes"]}
    assert missing == {"not enough evidence: 1 user, expected at least 200"}
    assert "not enough evidence" in forecast("--file", draft).stdout


@pytest.mark.parametrize(
    "fields",
    [{"agent": "GPTBot"}, {"degraded": ["stale-model"]}, {"shopper": None}, {"shopper": "unknown"}],
    ids=["agent", "degraded", "shared", "unknown shopper"],
)
def test_log_without_comparable_responses_is_an_error(function, log, draft, fields):
    log.store_rows(log.row(1, **fields))
    log.store_events(log.view(1))

    with pytest.raises(InvalidInput, match="the log has no responses of 'for-you' to users in the last 28 days"):
        forecast("--file", draft)


def test_recommender_that_ranks_given_items_is_refused(function, log, draft):
    with pytest.raises(InvalidInput, match="expected a recommender that selects items"):
        forecast("--file", draft, "--recommender", "personalized-ranking")


def test_only_the_first_week_of_the_users_own_outcomes_counts(function, log):
    row = log.row(1, served_ms=NOW_MS - 9 * 24 * HOUR_MS)
    named, soon_ms, late_ms = row.recommendation_id, row.served_ms + 1000, NOW_MS - HOUR_MS
    bought = event("user-1", "plum", "purchase", at_ms=soon_ms, named=named, value=5.0)
    log.store_rows(row)
    log.store_events(
        log.view(1),
        event("user-1", "fig", "view", at_ms=late_ms, named=named),
        event("user-2", "fig", "click", at_ms=soon_ms, named=named),
        event("user-1", "kiwi", "click", at_ms=soon_ms, named=named),
        event("user-1", "fig", "cart", at_ms=soon_ms, named=named),
        bought,
        bought,
        event("user-1", "plum", "purchase", at_ms=soon_ms + 1, named=named, value=None),
        event("user-1", "plum", "purchase", at_ms=soon_ms + 2, named=named, value=2.0),
    )

    inputs = inputs_of(Deployment("shop", NAMES, function.client, lambda: KEY, is_local=True))
    period = {"first_ms": row.served_ms, "last_ms": NOW_MS}
    (found,) = logged_responses(inputs, recommender="for-you", maximum=5, **period)

    assert (set(found.clicks), set(found.purchases), dict(found.revenue)) == (set(), {"plum"}, {"plum": 7.0})


def test_responses_in_random_order_are_chosen_first(busy, log, draft):
    fixed = [log.row(user, origins=["ranked"] * 2, propensities=[None] * 2) for user in range(USERS)]
    busy.client("s3").copy_object(
        Bucket=NAMES.lake_bucket,
        CopySource={"Bucket": NAMES.lake_bucket, "Key": log.key(NOW_MS - HOUR_MS)},
        Key=log.key(NOW_MS - HOUR_MS).replace("log", "other"),
    )
    log.store_rows(*fixed)

    found = document("--file", draft, "--responses", str(USERS))

    assert (found["responses"], found["pairs"] > 0) == (USERS, True)
    assert found["outcomes"][0]["missing"] is None
