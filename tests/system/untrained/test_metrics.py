"""Metrics of a booted cloud, as Prometheus reads them, and logs of its functions."""

import base64
import urllib.error
import urllib.request
from collections.abc import Mapping

import pytest

from tests.booted.shop import eventually
from tests.builders.openmetrics import read_families


@pytest.fixture
def key(shop):
    environment: Mapping[str, str] = shop.alsolike("keys", "create", "prometheus", "--access", "metrics")["environment"]
    yield environment
    shop.run_alsolike("keys", "delete", environment["AWS_ACCESS_KEY_ID"])


def scrape(shop, key):
    password = f"{key['AWS_ACCESS_KEY_ID']}:{key['AWS_SECRET_ACCESS_KEY']}"
    request = urllib.request.Request(
        f"{shop.cloud.api_url}/metrics",
        headers={"authorization": f"Basic {base64.b64encode(password.encode()).decode()}"},
    )
    with urllib.request.urlopen(request, timeout=60, context=shop.tls) as response:
        text = response.read().decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in read_families(text).values()
        for sample in family.samples
    }


def test_metrics_require_a_key_with_their_scope(shop, key):
    assert shop.send("metrics-user", "pear").status == 200
    shop.cloud.flush()

    found = eventually(lambda: scrape(shop, key), holds=lambda values: values["alsolike_events_accepted_total",] > 0)

    assert found["alsolike_api_requests_total",] > 0
    assert found["alsolike_api_latency_seconds_bucket", "+Inf"] == found["alsolike_api_latency_seconds_count",] > 0
    assert {key[1] for key, value in found.items() if key[0] == "alsolike_source_up" and value == 1} == {
        "cloudwatch",
        "alarms",
        "drift",
        "engagement",
        "cost",
    }
    assert found["alsolike_monthly_cost_dollars",] > 0
    assert len([name for name, *_ in found if name == "alsolike_alarm_active"]) > 15
    with pytest.raises(urllib.error.HTTPError, match="403"):
        scrape(shop, {**key, "AWS_SECRET_ACCESS_KEY": "wrong"})


def test_logs_show_the_refusal_of_a_request_by_its_correlation_id(shop):
    answer = shop.get("/popular?numResults=many", **{"x-correlation-id": "wrong-number"})
    assert answer.status == 400

    (line,) = eventually(
        lambda: shop.alsolike("logs", "recommend", "--correlation-id", "wrong-number"),
        holds=lambda lines: len(lines) > 0,
    )

    assert (line["level"], line["message"]) == ("WARNING", "request refused")
    assert line["details"]["error_type"] == "InvalidInput"
    assert shop.alsolike("logs", "recommend", "--correlation-id", "wrong-number", "--errors") == []
