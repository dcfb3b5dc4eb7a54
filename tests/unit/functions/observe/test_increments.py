"""Report of the holdout, as `attribute_outcomes` stored it."""

import orjson
import pytest
from jsonschema import Draft202012Validator

from alsolike.api.operator_query_responses import ANSWERS
from alsolike.configuration_document.times import time_text
from alsolike.declarations.storage import INCREMENTS_KEY
from operations.experiments.incremental import Increment, IncrementReport
from tests.builders.lambda_events import NOW_MS
from tests.builders.outcome_rows import DAY_MS

START_MS = NOW_MS - 3 * DAY_MS
ARMS = {"recommended": {"share": 0.98}, "popular": {"share": 0.02, "recommender": "popular"}}
REPORT = IncrementReport(
    "holdout", 3.0, 980, 20, 225.0, (Increment("orders", 1.2, 1.0, None, None, None, users=980, missing=5.0),)
)


@pytest.fixture
def configured(configure):
    configure({"experiments": {"holdout": {"layer": "holdout", "start": time_text(START_MS), "arms": ARMS}}})


@pytest.fixture
def stored(aws, lake_bucket):
    def put(body=b"", **fields):
        document = {"experiment": "holdout", "startMs": START_MS, "computedMs": NOW_MS, **REPORT.to_json(), **fields}
        aws("s3").put_object(Bucket=lake_bucket, Key=INCREMENTS_KEY, Body=body or orjson.dumps(document))

    return put


def test_shop_without_a_holdout_has_no_increments(observe):
    assert observe("increments") == {"holdout": None}


@pytest.mark.usefixtures("configured")
def test_holdout_without_a_report_has_its_start(observe):
    document = observe("increments")

    Draft202012Validator(ANSWERS["Increments"]).validate(document)
    assert document == {"holdout": {"name": "holdout", "startMs": START_MS, "endMs": None, "report": None}}


@pytest.mark.usefixtures("configured")
def test_stored_report_is_returned(observe, stored):
    stored()

    document = observe("increments")

    Draft202012Validator(ANSWERS["Increments"]).validate(document)
    report = document["holdout"]["report"]
    assert report == {"computedMs": NOW_MS, **REPORT.to_json()}
    assert report["increments"][0]["daysUntilInterval"] == 15.0


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("fields", [{"experiment": "older"}, {"startMs": START_MS - 1}])
def test_report_of_another_holdout_is_left_out(fields, observe, stored):
    stored(**fields)

    assert observe("increments")["holdout"]["report"] is None


@pytest.mark.usefixtures("configured")
def test_unreadable_report_is_named(observe, stored):
    stored(b"{")

    assert INCREMENTS_KEY in observe("increments", status=503)["message"]


def test_holdout_with_four_arms_is_refused(observe, configure):
    arms = {name: {"share": 0.25} for name in "abcd"}
    configure({"experiments": {"holdout": {"layer": "holdout", "start": time_text(START_MS), "arms": arms}}})

    observe("increments", status=400)
