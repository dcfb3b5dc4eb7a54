"""`alsolike engagement` and `alsolike trends`."""

import math
import time

import orjson
import pyarrow as pa
import pytest

from alsolike.lake import engagement, outcomes
from alsolike.records.engagement import ENGAGEMENT_COLUMNS, Engagement
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.trends.counters import CHANCE, KEPT_ITEMS, NOTHING_COUNTED, Event
from alsolike.trends.store import TrendsStore, trends_key
from operations.experiments.lake_tables import read_outcomes
from tests.builders.parquet import parquet_of
from tests.unit.cli.command_line import cells, run, run_json
from tests.unit.cli.stub_function import replace_functions

ENGAGEMENT = ("engagement", "--env", "shop")
NAMES = [name for name in ENGAGEMENT_COLUMNS if name not in ("dimension", "name")]


def between(first, last):
    return (*ENGAGEMENT, "--from", first, "--to", last)


def row(dimension, name, **numbers):
    return Engagement(dimension, name, **{**dict.fromkeys(NAMES, 0), **numbers})


def store(shop, date, *rows):
    content = parquet_of(pa.Table.from_pylist([{k: getattr(r, k) for k in ENGAGEMENT_COLUMNS} for r in rows]))
    shop.client("s3").put_object(Bucket=shop.names.lake_bucket, Key=engagement.object_key(date), Body=content)


@pytest.fixture
def shop(shop):
    """Return the deployment `--env shop` with three days of responses and rejected events."""
    days = {
        "2026-09-20": [row("all", "all", answers=100)],
        "2026-09-21": [
            row("all", "all", answers=10, impressions=40, shown_clicks=4, bought_answers=1, revenue=5.5,
                novelty=30.0, novelty_answers=10, covered_items=4, catalogue_items=10, items=50, new_items=5),
            row("recommender", "popular", answers=10, degraded=5),
        ],
        "2026-09-22": [
            row("all", "all", answers=30, impressions=60, shown_clicks=6, bought_answers=3, revenue=14.5,
                novelty=70.0, novelty_answers=10, covered_items=6, catalogue_items=10, items=150),
            row("recommender", "for-you", answers=20),
            row("recommender", "popular", answers=10),
        ],
    }  # fmt: skip
    for date, rows in days.items():
        store(shop, date, *rows)
        receipt = orjson.dumps({"rejected": {"forged": 2, "too-late": 1}})
        shop.client("s3").put_object(Bucket=shop.names.lake_bucket, Key=engagement.receipt_key(date), Body=receipt)
    return shop


def test_days_are_added(shop):
    document = run_json(*between("2026-09-21", "2026-09-22"))

    (only,) = document["rows"]
    assert only["answers"] == 40
    assert only["rates"] == {
        "click_through": (4 + 6) / (40 + 60), "conversion": (1 + 3) / (10 + 30),
        "revenue_per_thousand": 1000 * (5.5 + 14.5) / 40, "coverage": (4 + 6) / (10 + 10),
        "novelty": (30 + 70) / 20, "new_item_share": 5 / 200, "degraded_share": 0 / 40,
    }  # fmt: skip
    assert document["rejected"] == {"forged": 4, "too-late": 2}
    assert (document["from"], document["to"], document["by"]) == ("2026-09-21", "2026-09-22", "all")


def test_rows_are_grouped_by_the_requested_dimension(shop):
    shown = run(*between("2026-09-21", "2026-09-22"), "--by", "recommender").stdout

    rows = [(name, answers, degraded) for name, answers, *_, degraded in cells(shown)]
    assert rows == [("for-you", "20", "0.00%"), ("popular", "20", "25.00%")]
    assert shown.endswith("not counted: 4 forged, 2 too-late\n")


def test_metrics_without_a_value_for_anonymous_responses_are_empty(shop):
    shared = row("all", "all", answers=10, shared_answers=10, revenue=5.0, shared_revenue=5.0)
    store(shop, "2026-09-23", shared)

    (cells_,) = cells(run(*between("2026-09-23", "2026-09-23")).stdout)

    assert cells_[1:7] == ["10", "", "0", "", "5.00", ""]


@pytest.mark.parametrize(("by", "noun"), [("all", "responses"), ("arm", "responses in an experiment")])
def test_days_without_responses_have_a_message(by, noun, shop):
    assert run(*between("2020-01-01", "2020-01-02"), "--by", by).stdout == (
        f"no {noun} from 2020-01-01 to 2020-01-02 were attributed; the attribution is hourly, --refresh runs it now\n"
    )


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ({}, "no click or purchase names one of these responses"),
        ({"clicks": 2}, "no purchase names one of these responses"),
        ({"clicks": 2, "purchases": 1}, None),
    ],
)
def test_responses_without_outcomes_have_the_reason(numbers, reason, shop):
    store(shop, "2026-09-23", row("all", "all", answers=10, **numbers))

    shown = run(*between("2026-09-23", "2026-09-23")).stdout

    assert reason in shown if reason else "recommendationId" not in shown


@pytest.mark.parametrize(
    ("key", "body", "says"),
    [
        (engagement.receipt_key("2026-09-21"), b"{", "is not a valid receipt"),
        (engagement.receipt_key("2026-09-21"), b"[1]", "is not a valid receipt"),
        (engagement.receipt_key("2026-09-21"), b'{"rejected": 5}', "is not a valid receipt"),
        (engagement.receipt_key("2026-09-21"), b'{"rejected": {"forged": "many"}}', "is not a valid receipt"),
        (engagement.object_key("2026-09-21"), b"PAR1", "is not a Parquet file"),
        (engagement.object_key("2026-09-21"), None, "is not an object of the table"),
    ],
)
def test_damaged_object_error_names_the_object(key, body, says, shop):
    body = body or parquet_of(pa.table({"other": [1]}))
    shop.client("s3").put_object(Bucket=shop.names.lake_bucket, Key=key, Body=body)

    with pytest.raises(InvalidInput, match=f"{key} {says}"):
        run(*between("2026-09-20", "2026-09-22"))


def test_outcomes_are_read_by_date(shop):
    s3, bucket = shop.client("s3"), shop.names.lake_bucket
    for date in ("2026-09-20", "2026-09-21", "2026-09-22"):
        body = parquet_of(pa.table({"recommendation_id": [date], "clicks": [1]}))
        s3.put_object(Bucket=bucket, Key=outcomes.object_key(date), Body=body)

    read = read_outcomes(s3, bucket, first="2026-09-21", last="2026-09-21", columns=["recommendation_id", "clicks"])

    assert [row for table in read for row in table.to_pylist()] == [{"recommendation_id": "2026-09-21", "clicks": 1}]


@pytest.mark.parametrize(("complete", "says"), [(True, "3 days\n"), (False, "3 days, more are left")])
def test_refresh_runs_the_attribution_first(shop, monkeypatch, complete, says):
    function = replace_functions(shop, {"days": 3, "complete": complete}, monkeypatch)

    result = run(*between("2026-09-20", "2026-09-20"), "--refresh")

    assert function.invoked == [shop.names.attribute_outcomes_function]
    assert says in result.stderr
    assert "100" in result.stdout


def test_failed_refresh_has_its_reason(shop, monkeypatch):
    replace_functions(shop, {"errorMessage": "broken.parquet is not an object of the table"}, monkeypatch)

    with pytest.raises(Unavailable, match=r"attribution failed: broken\.parquet"):
        run(*ENGAGEMENT, "--refresh")


TRENDS = ("trends", "--env", "shop")


@pytest.fixture
def burst(shop):
    """Store 600 views of plums four hours ago, and 20 views of pears and 12 of figs now."""
    now_ms = time.time_ns() // 1_000_000
    ages = [("plum", 4 * 3_600_000)] * 600 + [("pear", 0)] * 20 + [("fig", 0)] * 12
    events = [Event(n, item, now_ms - age_ms, 1.0) for n, (item, age_ms) in enumerate(ages)]
    counts = NOTHING_COUNTED.add(events, sequence=len(events), arrived_ms=now_ms)
    TrendsStore(shop.client("s3"), "artefacts").write(trends_key("shardId-0"), counts, replaces=None)


@pytest.mark.usefixtures("burst")
def test_items_are_listed_by_score_descending():
    document = run_json(*TRENDS)

    assert document["window"] == "1h"
    assert [item["item_id"] for item in document["items"]] == ["pear", "fig"]
    recent, past = 32 + 600 * math.exp(-4), 600 * (math.exp(-4 / 168) - math.exp(-4))
    evidence = 20 * math.log((past + recent) / recent)
    assert document["items"][0]["score"] == pytest.approx(evidence / math.log(KEPT_ITEMS / CHANCE), rel=0.02)
    (first,) = run_json(*TRENDS, "--window", "1d", "-k", "1")["items"]
    assert first["item_id"] == "plum"
    assert cells(run(*TRENDS).stdout) == [["1", "pear", "5.0"], ["2", "fig", "3.0"]]


def test_empty_list_has_a_message(shop):
    assert run(*TRENDS).stdout == "nothing trends in 1h\n"
    assert run_json(*TRENDS) == {"window": "1h", "items": []}
