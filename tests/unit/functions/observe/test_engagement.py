"""Outcomes per day. Rates are ratios of sums."""

import datetime as dt

import orjson
import pyarrow as pa
import pytest

from alsolike.configuration_document.times import time_text
from alsolike.declarations.storage import INCREMENTS_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.engagement import object_key, receipt_key
from alsolike.records.engagement import ENGAGEMENT_COLUMNS
from operations.experiments.holdout_comparison import Increment, IncrementReport
from tests.builders.lambda_events import NOW_MS
from tests.builders.parquet import parquet

TODAY = dt.datetime.fromtimestamp(NOW_MS / 1000, dt.UTC).date()


def day(back):
    return (TODAY - dt.timedelta(days=back)).isoformat()


@pytest.fixture
def store(aws, lake_bucket):
    def write(back, *rows, rejected=None):
        whole = [dict.fromkeys(ENGAGEMENT_COLUMNS, 0) | {"dimension": "all", "name": "all"} | row for row in rows]
        content = parquet(whole, arrow_schema(pa, ENGAGEMENT_COLUMNS))
        s3 = aws("s3")
        s3.put_object(Bucket=lake_bucket, Key=object_key(day(back)), Body=content)
        receipt = orjson.dumps({"rejected": rejected or {}, "x": 1})
        s3.put_object(Bucket=lake_bucket, Key=receipt_key(day(back)), Body=receipt)

    return write


def test_days_and_totals_have_rates_of_their_sums(observe, store):
    store(0, {"answers": 10, "impressions": 40, "clicks": 5, "shown_clicks": 4, "revenue": 30.0}, rejected={"late": 2})
    store(1, {"answers": 30, "impressions": 60, "shown_clicks": 1, "bought_answers": 10, "degraded": 3})
    store(2, {"answers": 500}, rejected={"late": 100})

    document = observe("engagement", days="2")

    assert (document["from"], document["to"], document["by"]) == (day(1), day(0), "all")
    (total,) = document["totals"]
    assert total == {
        "name": "all", "answers": 10 + 30, "impressions": 40 + 60, "clicks": 5, "carts": 0, "purchases": 0,
        "revenue": 30.0, "clickThrough": (4 + 1) / (40 + 60), "conversion": 10 / 40,
        "revenuePerThousand": 1000 * 30 / 40, "coverage": None, "novelty": None, "newItemShare": None,
        "degradedShare": 3 / 40,
    }  # fmt: skip
    rates = [(entry["date"], [row["clickThrough"] for row in entry["rows"]]) for entry in document["days"]]
    assert rates == [(day(1), [1 / 60]), (day(0), [4 / 40])]
    assert document["rejected"] == {"late": 2}


def test_rows_are_grouped_by_the_requested_dimension(observe, store):
    store(
        0,
        {"answers": 3},
        {"dimension": "recommender", "name": "popular", "answers": 1},
        {"dimension": "recommender", "name": "for-you", "answers": 2},
        {"dimension": "model_version", "name": "v7", "answers": 3},
        {"dimension": "arm", "name": "spring/new", "answers": 4},
    )

    def names(by):
        return [(row["name"], row["answers"]) for row in observe("engagement", by=by)["totals"]]

    assert names("recommender") == [("for-you", 2), ("popular", 1)]
    assert names("model") == [("v7", 3)]
    assert names("arm") == [("spring/new", 4)]


def test_days_without_responses_have_no_rows(observe, store):
    store(3, {"answers": 1})

    document = observe("engagement")

    assert [len(each["rows"]) for each in document["days"]] == [*[0] * 10, 1, 0, 0, 0]


@pytest.mark.parametrize(("query", "expected"), [({"days": "91"}, "1 to 90"), ({"by": "item"}, "one of all, rec")])
def test_invalid_query_is_refused(observe, query, expected):
    assert expected in observe("engagement", status=400, **query)["message"]


def test_invalid_object_error_names_the_object(observe, store, aws, lake_bucket):
    store(0, {"answers": 1})
    aws("s3").put_object(Bucket=lake_bucket, Key=object_key(day(0)), Body=b"no Parquet")

    message = observe("engagement", status=503)["message"]

    assert f"s3://{lake_bucket}/{object_key(day(0))} is not a Parquet file" in message


START_MS = NOW_MS - 3 * DAY_MS
ARMS = {"recommended": {"share": 0.98}, "popular": {"share": 0.02, "recommender": "popular"}}
REPORT = IncrementReport(
    "holdout", 3.0, 980, 20, 225.0, (Increment("orders", 1.2, 1.0, None, None, None, users=980, required_ratio=5.0),)
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

    assert document == {"holdout": {"name": "holdout", "startMs": START_MS, "endMs": None, "report": None}}


@pytest.mark.usefixtures("configured")
def test_stored_report_is_returned(observe, stored):
    stored()

    document = observe("increments")

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
