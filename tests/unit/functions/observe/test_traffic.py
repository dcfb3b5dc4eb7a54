"""Traffic of the API and the consumers per minute, from existing metrics."""

import pytest

from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.observe.asking import OWN_NAMESPACE

MINUTE_MS = 60_000
THIS_MINUTE_MS = NOW_MS // MINUTE_MS * MINUTE_MS


def counted(document):
    """Return tuples of age and value for each series, without empty periods.

    The age is the number of periods before the last one.
    """
    last_ms = {name: points[-1][0] for name, points in document["series"].items()}
    period_ms = document["periodS"] * 1000
    return {
        name: [((last_ms[name] - time) // period_ms, value) for time, value in points if value is not None]
        for name, points in document["series"].items()
        if any(value is not None for _, value in points)
    }


def test_requests_and_errors_are_counted_per_minute(observe, put):
    for minute, requests, refused in ((0, 3, 1), (7, 2, 0)):
        at_ms = THIS_MINUTE_MS - minute * MINUTE_MS
        put("AWS/ApiGateway", "Count", *[1.0] * requests, at_ms=at_ms, ApiId="shop")
        put("AWS/ApiGateway", "4xx", *[1.0] * refused, *[0.0] * (requests - refused), at_ms=at_ms, ApiId="shop")
        put("AWS/ApiGateway", "5xx", *[0.0] * requests, at_ms=at_ms, ApiId="shop")
    put("AWS/ApiGateway", "Count", 1.0, ApiId="another")

    document = observe("traffic")

    assert counted(document) == {
        "requests": [(7, 2), (0, 3)],
        "clientErrors": [(7, 0), (0, 1)],
        "serverErrors": [(7, 0), (0, 0)],
    }
    assert (document["periodS"], document["untilMs"]) == (60, NOW_MS)
    assert document["fromMs"] == (NOW_MS - 60 * MINUTE_MS) // MINUTE_MS * MINUTE_MS
    times = [time for time, _ in document["series"]["answers"]]
    assert (times[0], times[-1], len(times)) == (document["fromMs"], THIS_MINUTE_MS, 61)


def test_latency_has_percentiles(observe, put):
    put("AWS/ApiGateway", "Latency", *map(float, range(1, 101)), ApiId="shop")

    assert counted(observe("traffic")) == {"latencyP50": [(0, 50)], "latencyP95": [(0, 95)], "latencyP99": [(0, 99)]}


def test_metrics_of_a_private_api_are_read_by_its_name(observe, put, monkeypatch):
    monkeypatch.setenv("PRIVATE_API", "1")
    for name, value in (("Count", 3.0), ("4XXError", 2.0), ("5XXError", 1.0)):
        put("AWS/ApiGateway", name, value, ApiName="shop")

    assert counted(observe("traffic")) == {"requests": [(0, 3)], "clientErrors": [(0, 2)], "serverErrors": [(0, 1)]}


def test_function_metrics_are_summed_over_functions(observe, put):
    for service, name, value in (
        ("recommend", "RecommendationsServed", 5),
        ("recommend", "RecommendationsDegraded", 2),
        ("collect", "EventsAccepted", 40),
        ("collect", "EventsRejected", 3),
        ("recommend", "RequestsRejected", 4),
        ("archive_events", "RecordsQuarantined", 6),
        ("archive_served", "RecordsQuarantined", 1),
        ("elsewhere", "RecordsQuarantined", 1000),
    ):
        put(OWN_NAMESPACE, name, value, service=service)
        # This namespace belongs to another deployment in the account.
        put("Alsolike/other", name, 10 * value, service=service)
    put("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", 10, 900, 20, StreamName="events")

    assert counted(observe("traffic")) == {
        "answers": [(0, 5)],
        "degradedAnswers": [(0, 2)],
        "eventsAccepted": [(0, 40)],
        "eventsRejected": [(0, 3)],
        "recordsQuarantined": [(0, 6 + 1)],
        "iteratorAge": [(0, 900)],
    }


def test_empty_and_short_responses_are_counted_by_filter(observe, put):
    for metric, filter_name, minutes_ago, count in (
        ("RecommendationsShort", "none", 1, 9),
        ("RecommendationsEmpty", "cheap", 59, 2),
        ("RecommendationsEmpty", "cheap", 0, 1),
        ("RecommendationsShort", "cheap", 3, 4),
        ("RecommendationsEmpty", "old", 62, 5),
    ):
        names = {"service": "recommend", "recommender": "for-you", "filter": filter_name}
        put(OWN_NAMESPACE, metric, count, at_ms=THIS_MINUTE_MS - minutes_ago * MINUTE_MS, **names)
        put("Alsolike/other", metric, 10 * count, **names)
    # The metric is the sum over all recommenders and filters.
    put(OWN_NAMESPACE, "RecommendationsEmpty", 3, service="recommend")

    document = observe("traffic")

    assert document["incomplete"] == [
        {"recommender": "for-you", "filter": "cheap", "empty": 3, "short": 4},
        {"recommender": "for-you", "filter": "none", "empty": 0, "short": 9},
    ]


@pytest.mark.parametrize(
    ("minutes", "period_s"), [(180, 60), (181, 300), (1_440, 300), (1_441, 3_600), (21_600, 3_600)]
)
def test_longer_ranges_have_longer_periods(observe, put, minutes, period_s):
    put("AWS/ApiGateway", "Count", 1.0, at_ms=NOW_MS - period_s * 1000, ApiId="shop")
    put("AWS/ApiGateway", "Count", 1.0, at_ms=NOW_MS - 1, ApiId="shop")

    document = observe("traffic", minutes=str(minutes))

    assert document["periodS"] == period_s
    assert counted(document)["requests"] == [(1, 1), (0, 1)]
    assert 0 <= NOW_MS - minutes * MINUTE_MS - document["fromMs"] < period_s * 1000


@pytest.mark.parametrize("minutes", ["4", "21601", "an hour", "60.5"])
def test_minutes_out_of_range_are_refused(observe, minutes, counted):
    message = observe("traffic", status=400, minutes=minutes)["message"]

    assert message.startswith("minutes is ")
    assert message.endswith("expected a whole number from 5 to 21600")
    assert counted() == {"RequestsRejected": 1}


def test_same_query_is_cached_for_20_seconds(observe, put, clock):
    first = observe("traffic")
    put("AWS/ApiGateway", "Count", 1.0, ApiId="shop")

    clock.wait(19.9)
    assert observe("traffic") == first
    assert counted(observe("traffic", minutes="61"))["requests"] == [(0, 1)]
    clock.wait(0.2)
    assert counted(observe("traffic"))["requests"] == [(0, 1)]
