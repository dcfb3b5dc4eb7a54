"""Responses of the operator's routes for a deployment with some traffic."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest

from tests.booted.shop import Answer, Shop, empty_quarantine, eventually, record

EVENTS, ANSWERED, REFUSED = 12, 7, 3
COUNTED = ("requests", "clientErrors", "serverErrors", "answers", "eventsAccepted", "eventsRejected")


@dataclasses.dataclass
class Console:
    """Console of an operator. It counts its own requests, because the traffic metrics include them.

    `before` has the metrics at the start.
    """

    shop: Shop
    before: dict[str, float]
    requests: int = 0

    def show(self, route, *, status=200):
        self.requests += 1
        answer: Answer = self.shop.administer("GET", f"/operator/{route}")
        assert answer.status == status, answer.document
        return answer.document


@pytest.fixture(scope="module")
def console(shop):
    found = Console(shop, {})
    minutes = itertools.count(20)  # each request differs, because the function caches responses for a short time

    def look():
        shop.cloud.flush()
        document = found.show(f"traffic?minutes={next(minutes)}")
        return {name: total(document, name) for name in COUNTED}

    def settled():
        first, found.before = look(), look()
        return found.before == {**first, "requests": first["requests"] + 1}

    assert eventually(settled)
    found.requests = 1  # the last request is counted after its response
    for number in range(EVENTS):
        assert shop.send(f"user-{number}", "pear").status == 200
    for number in range(ANSWERED):
        assert shop.recommend(f"user-{number}").status == 200
    for _ in range(REFUSED):
        assert shop.post("/recommendations", {"userId": ""}).status == 400
    found.requests += EVENTS + ANSWERED + REFUSED
    return found


def total(document, name):
    return sum(value or 0 for _, value in document["series"][name])


def test_traffic_counts_the_sent_requests(console):
    minutes = itertools.count(30)  # each request differs, because the function caches responses for a short time

    def look():
        sent = console.requests
        console.shop.cloud.flush()
        return sent, console.show(f"traffic?minutes={next(minutes)}")

    def since(document):
        return {name: total(document, name) - console.before[name] for name in COUNTED}

    def expected(sent):
        counts = {"requests": sent, "answers": ANSWERED, "eventsAccepted": EVENTS, "eventsRejected": 0}
        return {**counts, "clientErrors": REFUSED, "serverErrors": 0}

    def complete(seen):
        sent, document = seen
        has_age = any(age is not None for _, age in document["series"]["iteratorAge"])
        return has_age and since(document) == expected(sent)

    sent, document = eventually(look, holds=complete)

    assert since(document) == expected(sent)
    measured = [
        [document["series"][f"latency{name}"][place][1] for name in ("P50", "P95", "P99")]
        for place, (_, count) in enumerate(document["series"]["requests"])
        if count
    ]
    assert measured
    assert all(0 < p50 <= p95 <= p99 for p50, p95, p99 in measured)


def test_alarms_are_listed_with_their_runbooks(console):
    alarms = console.show("alarms")["alarms"]

    runbooks = {alarm["runbook"] for alarm in alarms if not alarm["name"].startswith("alsolike-demo-privacy")}
    assert {"errors", "stale", "quarantine", "drift"} <= runbooks
    assert {alarm["state"] for alarm in alarms} <= {"OK", "ALARM"}
    combined = [alarm for alarm in alarms if alarm["condition"] is None]
    assert combined
    assert all(alarm["combines"] for alarm in combined)


def test_unreadable_record_is_quarantined_without_its_values(console):
    empty_quarantine(console.shop)
    minutes = itertools.count(100)
    before = total(console.show(f"traffic?minutes={next(minutes)}"), "recordsQuarantined")
    bad = record("anna@shop.example", 1).replace(b'"user_id": "anna@shop.example"', b'"user_id": ["anna@shop.example"]')
    stream = console.shop.name("stream-name")
    console.shop.cloud.client("kinesis").put_record(StreamName=stream, Data=bad, PartitionKey="anna@shop.example")
    store = console.shop.cloud.client("s3"), console.shop.name("lake-bucket")
    assert eventually(lambda: store[0].list_objects_v2(Bucket=store[1], Prefix="quarantine/")["KeyCount"])

    document = console.show("quarantine")

    assert (document["objects"], document["records"], document["truncated"]) == (1, 1, False)
    (group,) = document["groups"]
    assert (group["kind"], group["records"]) == ("record", 1)
    assert group["reason"].startswith("user_id is ")
    assert "shop.example" not in json.dumps(document)
    seen = eventually(
        lambda: total(console.show(f"traffic?minutes={next(minutes)}"), "recordsQuarantined"),
        holds=lambda count: count > before,
    )
    assert seen == before + 1
    held = console.shop.alsolike("quarantine", "show", group["exampleId"])
    assert "anna@shop.example" in json.dumps(held)


def test_results_computed_from_traffic_are_shown(console):
    answers = eventually(lambda: answers_for_you(console.shop), holds=lambda count: count >= ANSWERED)
    console.shop.invoke("AttributeOutcomes")
    console.shop.invoke("MonitorModels")

    engagement = console.show("engagement?by=recommender")
    (for_you,) = (row for row in engagement["totals"] if row["name"] == "for-you")
    looked = console.show("drift")["looked"]
    experiments = console.show("experiments")

    assert (for_you["name"], for_you["answers"]) == ("for-you", answers)
    *days, yesterday, today = (bool(day["rows"]) for day in engagement["days"])
    assert (days, yesterday or today) == ([False] * 12, True)  # The responses may be from before midnight.
    assert (looked["champion"], len(looked["figures"])) == (None, 6)
    assert experiments == {"experiments": []}
    assert console.show("increments") == {"holdout": None}
    assert console.show("rules")["draft"] == {"filters": {}, "recommenders": {}, "rules": {}}


def answers_for_you(shop):
    return sum(row["recommender"] == "for-you" for row in shop.lake_rows("served/"))


def test_cost_covers_deployed_resources_and_counted_load(console):
    users = {"datasetArn": console.shop.name("users-dataset-arn"), "users": [{"userId": "anna"}]}
    assert console.shop.post("/users", users).status == 200
    console.requests += 1
    counted, stated = console.show("cost"), console.show("cost?users=1000&eventsPerDay=0&requestsPerDay=0&items=10")

    load, day_traffic = counted["load"], console.show("traffic?minutes=1440")
    assert load["measured"]
    assert load["eventsPerDay"] == total(day_traffic, "eventsAccepted") >= EVENTS
    assert load["requestsPerDay"] == total(day_traffic, "answers") >= ANSWERED
    assert load["users"] > 0
    assert counted["fixedDollars"] == stated["fixedDollars"] > 0
    assert counted["dollars"] == pytest.approx(sum(line["dollars"] for line in counted["lines"]))
    assert {"Lambda", "Kinesis", "CloudWatch"} <= {line["service"] for line in counted["lines"]}
    assert stated["load"] == {"users": 1000, "eventsPerDay": 0, "requestsPerDay": 0, "items": 10, "measured": False}
