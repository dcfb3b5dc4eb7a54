"""Monthly cost of the deployed resources under a given or counted load."""

import pytest

from alsolike.catalogue.users import User, UserStore
from alsolike.declarations.storage import MONITORING_LATEST_KEY, SNAPSHOT_KEY
from alsolike.snapshot.manifest import Manifest, SegmentEntry
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.observe.asking import HOUR_MS, OWN_NAMESPACE, REPORT, TEMPLATES


@pytest.fixture(autouse=True)
def deployed(cloud):
    cloud.cloudformation.templates.update(TEMPLATES)
    return cloud.cloudformation.templates


def read_stacks(cloud):
    return [call.request["StackName"] for call in cloud.calls if call.operation == "cloudformation.GetTemplate"]


def test_cost_of_a_specified_load_reads_no_metrics(observe, cloud):
    document = observe("cost", users="0", eventsPerDay="0", requestsPerDay="0", items="0")

    assert document["fixedDollars"] == pytest.approx(2 * 730 * 0.015 + 1 * 3.00)
    assert document["dollars"] == pytest.approx(document["fixedDollars"] + document["usageDollars"])
    assert (document["currency"], document["region"], document["load"]["measured"]) == ("USD", "us-east-1", False)
    shards = next(line for line in document["lines"] if line["service"] == "Kinesis")
    assert (shards["kind"], shards["quantity"]) == ("fixed", 2 * 730)
    assert (shards["unitPrice"], shards["dollars"]) == (pytest.approx(0.015), pytest.approx(21.90))
    assert document["personalizeDollars"] >= 0
    assert "not counted: trainings, because no schedule starts them" in document["remarks"]
    assert any(remark.startswith("Personalize: ") for remark in document["remarks"])
    assert read_stacks(cloud) == list(TEMPLATES)


def test_cost_without_a_load_uses_the_load_of_the_last_days(observe, put, cloud, aws, artefact_bucket, users_table):
    aws("s3").put_object(Bucket=artefact_bucket, Key=MONITORING_LATEST_KEY, Body=REPORT.to_json())
    UserStore(aws("dynamodb"), users_table).put([User("ann", {}), User("bob", {})], now_ms=NOW_MS)
    for name, service, value, hours in (
        ("EventsAccepted", "collect", 40, 0),
        ("EventsAccepted", "collect", 60, 22),
        ("EventsAccepted", "collect", 9_000, 25),
        ("RecommendationsServed", "recommend", 7, 1),
    ):
        put(OWN_NAMESPACE, name, value, at_ms=NOW_MS - hours * HOUR_MS, service=service)
    segments = tuple(SegmentEntry(f"catalog/segments/{rows}", rows, 1, "0" * 64) for rows in (500, 20))
    manifest = Manifest(columns={}, segments=segments, published_ms=1, configuration_version=0)
    aws("s3").put_object(Bucket=artefact_bucket, Key=SNAPSHOT_KEY, Body=manifest.to_json())

    document = observe("cost")

    load = {"users": 2, "eventsPerDay": 40 + 60, "requestsPerDay": 7, "items": 500 + 20, "measured": True}
    assert document["load"] == load
    assert observe("cost", users="1000")["load"] == {**load, "users": 1_000, "measured": False}
    assert read_stacks(cloud) == list(TEMPLATES)


def test_unreadable_stack_error_names_the_stack(observe, deployed):
    del deployed["alsolike-test-serving"]

    message = observe("cost", status=503)["message"]

    assert "CloudFormation does not answer with the template of alsolike-test-serving: " in message


def test_load_out_of_range_is_refused(observe):
    message = "items is -1, expected a whole number from 0 to 1000000000"

    assert observe("cost", status=400, items="-1")["message"] == message
