"""`alsolike rules forecast`, with a log and interactions in the lake, and an invoked function in this process."""

import io
import json
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from alsolike.configuration.configuration import DEFAULT
from alsolike.lake import lake, served
from alsolike.lake.arrow import arrow_schema
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS, state_hash
from alsolike.runtime.errors import InvalidInput
from cli import main as command
from operations.client import deployment as deployments
from operations.client.deployment import Deployment
from operations.configuration.configuration_store import ConfigurationStore
from operations.forecast.logged import logged_responses
from tests.builders.served_rows import served as served_row
from tests.unit.cli.shop import KEY, NAMES

NOW_MS = time.time_ns() // 1_000_000
HOUR_MS = 3_600_000
USERS = 240
DRAFT = "format: 1\nrules: {spring: {pins: [{item: plum, position: 1}]}}\nrecommenders: {for-you: {rules: spring}}\n"


class Function:
    """Lambda client that returns fig before plum without the draft, and plum first with the draft."""

    def __init__(self, deployment):
        self._client = deployment.client
        self.requests: list[dict[str, Any]] = []
        self.models: list[str | None] = []
        self.other: dict[str, Any] = {}

    def client(self, service):
        return self if service == "lambda" else self._client(service)

    def invoke(self, *, FunctionName, Payload):  # noqa: N803 - as boto3 has it
        assert FunctionName == NAMES.recommend_function
        event = json.loads(Payload)["forecast"]
        self.requests += event["requests"]
        self.models.append(event.get("model"))
        pinned = "spring" in json.dumps(event.get("configuration"))
        found = {"present": ["fig", "plum"], "draft": ["plum", "fig"] if pinned else ["fig", "plum"], "degraded": []}
        lists = [self.other.get(request.get("userId"), found) for request in event["requests"]]
        return {"Payload": io.BytesIO(json.dumps({"lists": lists}).encode())}


@pytest.fixture
def function(deployment, client, monkeypatch):
    store = ConfigurationStore(client("s3"), deployment.names.artefact_bucket)
    document = {"format": 1, "recommenders": {"for-you": {"swaps": 0.5}}, "rules": {"spring": {}}}
    store.apply(store.current(), document, text="", by="test", reason="test", now_ms=0)
    function = Function(deployment)
    local = Deployment("shop", NAMES, function.client, lambda: KEY, is_local=True)
    monkeypatch.setattr(deployments, "resolve", lambda **_: local)
    return function


def forecast(*arguments):
    return CliRunner().invoke(command.app, ["rules", "forecast", *arguments], catch_exceptions=False)


def document(*arguments):
    return json.loads(forecast(*arguments, "--json").stdout)


def write(function, name, rows, columns, prefix):
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(pa, columns)), content)
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=f"{prefix}{name}.parquet", Body=content.getvalue())


def log_key(served_ms):
    return f"{served.partition_prefix(served.served_date(served_ms))}log.parquet"


def store_log(function, *rows):
    values = [{name: getattr(row, name) for name in SERVED_COLUMNS} for row in rows]
    write(function, "log", values, SERVED_COLUMNS, log_key(rows[0].served_ms).removesuffix("log.parquet"))


def event(user, item, event_type, *, at_ms, named=None, value=None):
    return {
        "event_id": f"{user} {item} {event_type} {at_ms}", "user_id": user, "item_id": item, "event_type": event_type,
        "event_value": value, "event_time_ms": at_ms, "received_time_ms": at_ms, "schema_version": 2,
        "recommendation_id": named,
    }  # fmt: skip


def store_events(function, *events):
    write(function, "events", list(events), INTERACTIONS_COLUMNS, lake.partition_prefix(lake.event_date(NOW_MS)))


def row_of(user, pseudonyms, **fields):
    order = ["fig", "plum"] if user % 2 else ["plum", "fig"]
    return served_row(
        **{
            "served_ms": NOW_MS - HOUR_MS, "shopper": pseudonyms.shopper(f"user-{user}"), "arms": [],
            "catalogue": "1", "history": state_hash([f"user-{user} pear view {NOW_MS - 2 * HOUR_MS}"]),
            "item_ids": order, "origins": ["paired", "paired"], "propensities": [0.5, 1.0], **fields,
        }
    )  # fmt: skip


@pytest.fixture
def busy(function, pseudonyms):
    """Return a shop with 240 responses, each after the view of a pear.

    Three of four items at the first place are clicked and bought for 10, and two of four at the second are clicked.
    """
    rows = [row_of(user, pseudonyms) for user in range(USERS)]
    events = []
    for user, row in enumerate(rows):
        name, named = f"user-{user}", row.recommendation_id
        events.append(event(name, "pear", "view", at_ms=row.served_ms - HOUR_MS))
        first, second = row.item_ids
        if user // 2 % 4 < 3:
            events.append(event(name, first, "click", at_ms=row.served_ms + 1000, named=named))
            events.append(event(name, first, "purchase", at_ms=row.served_ms + 2000, named=named, value=10.0))
        if user // 2 % 4 >= 2:
            events.append(event(name, second, "view", at_ms=row.served_ms + 1500, named=named))
    store_log(function, *rows)
    store_events(function, *events)
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

    assert len(busy.requests) == USERS
    assert {tuple(past["itemId"] for past in request["history"]) for request in busy.requests} == {("pear",)}
    assert {(request["recommender"], request["numResults"]) for request in busy.requests} == {("for-you", 2)}


def test_forecast_of_a_live_rule_set_needs_no_file(busy):
    assert document("--rules", "spring")["changed"] == 1.0


def test_model_of_a_canary_replaces_the_champion(busy):
    assert document("--model", "v2")["responses"] == USERS
    assert set(busy.models) == {"v2"}


def test_forecast_as_text_has_differences_per_1000_responses(busy, draft):
    shown = forecast("--file", draft).stdout

    assert "per 1,000 responses" in shown
    assert "240 responses of for-you to 240 users in 28 days; the draft changes 100% of the lists" in shown


def test_responses_that_cannot_be_repeated_are_left_out_and_counted(busy, draft):
    busy.other = {
        "user-1": {"refused": "filterValues.MAX is missing"},
        "user-2": {"present": ["fig"], "draft": ["fig"], "degraded": ["stale-model"]},
    }

    found = document("--file", draft)

    assert found["skipped"] == {"filterValues.MAX is missing": 1, "stale-model": 1}
    assert found["responses"] == USERS - 2
    assert "left out: 1 response (stale-model)" in forecast("--file", draft).stdout


def test_responses_without_their_inputs_are_left_out(function, pseudonyms, draft):
    store_log(
        function,
        row_of(1, pseudonyms, catalogue=None, history=None),
        row_of(2, pseudonyms, request='{"omitted":true}'),
        row_of(3, pseudonyms, history="0123456789ab"),
        row_of(4, pseudonyms, history=None, request='{"filter":"cheap","filterValues":{"MAX":"20"}}'),
    )
    store_events(function, event("user-3", "pear", "view", at_ms=NOW_MS - 2 * HOUR_MS))

    found = document("--file", draft)

    assert sorted(found["skipped"]) == [
        "logged by an earlier version",
        "parameters too long for the log",
        "the lake has no interactions with the logged hash",
    ]
    (request,) = function.requests
    assert (request["filter"], request["filterValues"], request["history"]) == ("cheap", {"MAX": "20"}, [])


def test_forecast_without_enough_users_has_no_number(function, pseudonyms, draft):
    row = row_of(1, pseudonyms)
    store_log(function, row)
    store_events(function, event("user-1", "pear", "view", at_ms=NOW_MS - 2 * HOUR_MS))

    found = document("--file", draft)

    assert {outcome["missing"] for outcome in found["outcomes"]} == {
        "not enough evidence: 1 user, expected at least 200"
    }
    assert "not enough evidence" in forecast("--file", draft).stdout


@pytest.mark.parametrize(
    "fields",
    [{"agent": "GPTBot"}, {"degraded": ["stale-model"]}, {"shopper": None}, {"shopper": "unknown"}],
    ids=["agent", "degraded", "shared", "unknown shopper"],
)
def test_log_without_comparable_responses_is_an_error(function, pseudonyms, draft, fields):
    store_log(function, row_of(1, pseudonyms, **fields))
    store_events(function, event("user-1", "pear", "view", at_ms=NOW_MS - 2 * HOUR_MS))

    with pytest.raises(InvalidInput, match="the log has no responses of 'for-you' to users in the last 28 days"):
        forecast("--file", draft)


def test_recommender_that_ranks_given_items_is_refused(function, draft):
    with pytest.raises(InvalidInput, match="expected a recommender that selects items"):
        forecast("--file", draft, "--recommender", "personalized-ranking")


@pytest.mark.parametrize("arguments", [[], ["--rules", "spring", "--file", "draft.yaml"]], ids=["neither", "both"])
def test_forecast_needs_one_draft(function, arguments):
    assert forecast(*arguments).exit_code == 2


def test_only_the_first_week_of_the_users_own_outcomes_counts(function, pseudonyms):
    row = row_of(1, pseudonyms, served_ms=NOW_MS - 9 * 24 * HOUR_MS)
    named, soon_ms, late_ms = row.recommendation_id, row.served_ms + 1000, NOW_MS - HOUR_MS
    bought = event("user-1", "plum", "purchase", at_ms=soon_ms, named=named, value=5.0)
    store_log(function, row)
    store_events(
        function,
        event("user-1", "pear", "view", at_ms=NOW_MS - 2 * HOUR_MS),
        event("user-1", "fig", "view", at_ms=late_ms, named=named),
        event("user-2", "fig", "click", at_ms=soon_ms, named=named),
        event("user-1", "kiwi", "click", at_ms=soon_ms, named=named),
        event("user-1", "fig", "cart", at_ms=soon_ms, named=named),
        bought,
        bought,
        event("user-1", "plum", "purchase", at_ms=soon_ms + 1, named=named, value=None),
        event("user-1", "plum", "purchase", at_ms=soon_ms + 2, named=named, value=2.0),
    )

    (found,) = logged_responses(
        Deployment("shop", NAMES, function.client, lambda: KEY, is_local=True),
        recommender="for-you",
        first_ms=row.served_ms,
        last_ms=NOW_MS,
        maximum=5,
        configuration=DEFAULT,
    )

    assert (set(found.clicks), set(found.purchases), dict(found.revenue)) == (set(), {"plum"}, {"plum": 7.0})


def test_responses_in_random_order_are_chosen_first(busy, pseudonyms, draft):
    fixed = [row_of(user, pseudonyms, origins=["ranked"] * 2, propensities=[None] * 2) for user in range(USERS)]
    busy.client("s3").copy_object(
        Bucket=NAMES.lake_bucket,
        CopySource={"Bucket": NAMES.lake_bucket, "Key": log_key(NOW_MS - HOUR_MS)},
        Key=log_key(NOW_MS - HOUR_MS).replace("log", "other"),
    )
    store_log(busy, *fixed)

    found = document("--file", draft, "--responses", str(USERS))

    assert (found["responses"], found["pairs"] > 0) == (USERS, True)
    assert found["outcomes"][0]["missing"] is None
