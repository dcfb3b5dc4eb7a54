"""Metrics of the deployment as OpenMetrics, from CloudWatch, the drift report and the alarms."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import time
from collections.abc import Callable

import pytest

from alsolike.declarations.routes import READ_METRICS, WRITE_EVENTS
from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.signing.key_pairs import SigningKey, encryption_context
from functions.observe import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event
from tests.builders.openmetrics import read_families
from tests.fakes.places import create_table
from tests.unit.functions.observe.asking import OWN_NAMESPACE, REPORT, TEMPLATES

SECRET = "s3cret:with-a-colon"


@dataclasses.dataclass(frozen=True)
class Scraper:
    """Prometheus server with a key pair."""

    store: Callable[[SigningKey], None]

    def get(self, user="ALSOMETRICS", password=SECRET):
        event = http_event("GET /metrics")
        event["headers"]["authorization"] = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        return handler.lambda_handler(event, LambdaContext())

    def scrape(self):
        answer = self.get()
        assert answer["statusCode"] == 200, answer
        assert answer["headers"]["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        return read_families(answer["body"])

    def values(self, family):
        """Return the values of a family by the suffix of the sample's name and the label values."""
        found = self.scrape()
        samples = found[family].samples if family in found else ()
        return {(sample.name.removeprefix(family), *sample.labels.values()): sample.value for sample in samples}


@pytest.fixture
def scraper(observe, aws, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW_MS / 1000)
    table = create_table(aws("dynamodb"), "keys", key="key_id")
    monkeypatch.setenv("KEYS_TABLE", table)
    kms_key = aws("kms").create_key()["KeyMetadata"]["Arn"]

    def store(key):
        context = encryption_context(key.key_id)
        secret = aws("kms").encrypt(KeyId=kms_key, Plaintext=SECRET.encode(), EncryptionContext=context)
        aws("dynamodb").put_item(
            TableName=table, Item=dataclasses.replace(key, secret=secret["CiphertextBlob"]).to_item()
        )

    store(SigningKey("ALSOMETRICS", "prometheus", b"", (READ_METRICS,), created_ms=0))
    return Scraper(store)


def test_counters_are_sums_since_the_start_of_the_month(scraper, put):
    month = dt.datetime.fromtimestamp(NOW_MS / 1000, dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month_ms = int(month.timestamp()) * 1000
    for at_ms, requests in ((month_ms - 1, 100), (month_ms, 20), (NOW_MS, 3)):
        put("AWS/ApiGateway", "Count", requests, at_ms=at_ms, ApiId="shop")
    put("AWS/ApiGateway", "Count", 1_000, ApiId="another")
    put("AWS/ApiGateway", "5xx", 2, ApiId="shop")
    put(OWN_NAMESPACE, "EventsAccepted", 40, service="collect")
    put(OWN_NAMESPACE, "RecordsQuarantined", 6, service="archive_events")

    assert scraper.values("alsolike_api_requests") == {("_total",): 20 + 3}
    assert scraper.values("alsolike_api_errors") == {("_total", "4xx"): 0, ("_total", "5xx"): 2}
    assert scraper.values("alsolike_events_accepted") == {("_total",): 40}
    quarantined = {("_total", "archive_events"): 6, ("_total", "archive_served"): 0}
    assert scraper.values("alsolike_records_quarantined") == quarantined


def test_counters_of_a_private_api_are_read_by_its_name(scraper, put, monkeypatch):
    monkeypatch.setenv("PRIVATE_API", "1")
    for name, value in (("Count", 23), ("4XXError", 3), ("5XXError", 2)):
        put("AWS/ApiGateway", name, value, ApiName="shop")

    assert scraper.values("alsolike_api_requests") == {("_total",): 23}
    assert scraper.values("alsolike_api_errors") == {("_total", "4xx"): 3, ("_total", "5xx"): 2}


def test_latency_is_a_histogram_in_seconds(scraper, put):
    put("AWS/ApiGateway", "Latency", 20, 50, 51, 400, 3_000, ApiId="shop")

    buckets = {"0.05": 2, "0.1": 3, "0.25": 3, "0.5": 4, "1.0": 4, "2.5": 4, "+Inf": 5}
    values = scraper.values("alsolike_api_latency_seconds")
    assert values.pop(("_sum",)) == pytest.approx((20 + 50 + 51 + 400 + 3_000) / 1000)
    assert values.pop(("_count",)) == 5
    assert values == {("_bucket", bound): count for bound, count in buckets.items()}


def test_lag_is_the_latest_value(scraper, put):
    for minutes, lag_ms in ((20, 70_000), (3, 9_000), (1, 4_500)):
        at_ms = NOW_MS - minutes * 60_000
        put("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", lag_ms, at_ms=at_ms, StreamName="events")

    assert scraper.values("alsolike_stream_lag_seconds") == {("",): 4.5}


def test_drift_metrics_come_from_the_last_report(scraper, aws, artefact_bucket):
    assert scraper.values("alsolike_champion_age_seconds") == {}
    aws("s3").put_object(Bucket=artefact_bucket, Key=MONITORING_LATEST_KEY, Body=REPORT.to_json())
    handler._routes.cache_clear()

    assert scraper.values("alsolike_champion_age_seconds") == {("",): 30.5 * 3_600}
    assert scraper.values("alsolike_lake_silent_seconds") == {("",): 0.25 * 3_600}
    assert scraper.values("alsolike_drift_psi") == {("", "item_popularity"): 0.3}
    assert scraper.values("alsolike_checks_failed") == {("",): 1}


ANY_ERROR = {
    "Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1,
    "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold",
}  # fmt: skip


def test_each_alarm_has_a_series(scraper, aws):
    cloudwatch = aws("cloudwatch")
    for name, runbook in (("Fails", "attribution"), ("UpkeepFails", "upkeep")):
        cloudwatch.put_metric_alarm(
            AlarmName=f"alsolike-test-lake-{name}",
            AlarmDescription=f"Alsolike test: {name} happened: docs/runbooks/{runbook}.md",
            **ANY_ERROR,
        )
    cloudwatch.set_alarm_state(AlarmName="alsolike-test-lake-Fails", StateValue="ALARM", StateReason="one error")

    assert scraper.values("alsolike_alarm_active") == {
        ("", "Fails happened", "attribution"): 1,
        ("", "UpkeepFails happened", "upkeep"): 0,
    }


def test_unavailable_source_is_omitted(scraper, cloud):
    up = scraper.values("alsolike_source_up")

    assert up == {("", "cloudwatch"): 1, ("", "alarms"): 1, ("", "drift"): 1, ("", "engagement"): 1, ("", "cost"): 0}
    assert "alsolike_monthly_cost_dollars" not in scraper.scrape()


@pytest.mark.parametrize("code", ["InternalError", "Forbidden"])
def test_metric_that_cloudwatch_cannot_read_is_omitted(scraper, put, cloud, clock, code):
    put("AWS/ApiGateway", "Count", 20, ApiId="shop")
    assert scraper.values("alsolike_api_requests") == {("_total",): 20}
    cloud.cloudwatch.failed["Count"] = code
    clock.wait(60)

    assert scraper.values("alsolike_api_requests") == {}
    assert scraper.values("alsolike_source_up")["", "cloudwatch"] == 0


def test_value_is_omitted_when_a_later_read_fails(scraper, cloud, clock):
    cloud.cloudformation.templates.update(TEMPLATES)
    assert len(scraper.values("alsolike_monthly_cost_dollars")) == 1
    cloud.cloudwatch.failed["EventsAccepted"] = "InternalError"
    clock.wait(3_601)

    assert scraper.values("alsolike_monthly_cost_dollars") == {}
    assert scraper.values("alsolike_source_up")["", "cost"] == 0
    cloud.cloudwatch.failed.clear()
    clock.wait(301)
    assert len(scraper.values("alsolike_monthly_cost_dollars")) == 1
    assert scraper.values("alsolike_source_up")["", "cost"] == 1


@pytest.mark.parametrize(
    ("operation", "cached_s", "then_s"),
    [("cloudformation.GetTemplate", 240, 61), ("cloudwatch.GetMetricData", 49, 2)],
    ids=["failed read", "successful read"],
)
def test_source_is_read_again_after_its_cache_time(scraper, cloud, clock, operation, cached_s, then_s):
    def reads():
        scraper.get()
        return sum(call.operation == operation for call in cloud.calls)

    before = reads()
    clock.wait(cached_s)
    assert reads() == before > 0
    clock.wait(then_s)
    assert reads() > before


@pytest.mark.parametrize(
    ("user", "password", "code"),
    [
        ("ALSOMETRICS", "wrong", "UnrecognizedClientException"),
        ("ALSOUNKNOWN", SECRET, "UnrecognizedClientException"),
        ("ALSOEVENTS", SECRET, "AccessDeniedException"),
        ("", SECRET, "IncompleteSignatureException"),
    ],
)
def test_invalid_credentials_are_refused(scraper, user, password, code):
    scraper.store(SigningKey("ALSOEVENTS", "checkout", b"", (WRITE_EVENTS,), created_ms=0))

    answer = scraper.get(user, password)

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (403, code)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "MissingAuthenticationTokenException"),
        ("Bearer token", "MissingAuthenticationTokenException"),
        ("Basic !", "IncompleteSignatureException"),
        ("Basic //8=", "IncompleteSignatureException"),
    ],
)
def test_unreadable_credentials_are_refused(scraper, header, code):
    event = http_event("GET /metrics")
    if header is not None:
        event["headers"]["authorization"] = header

    answer = handler.lambda_handler(event, LambdaContext())

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (403, code)
