"""Alert rules of alarms whose threshold may be outside the range of the exported metric."""

import pytest

from operations.prometheus.rules import rules

SLOW = {
    "AlarmName": "alsolike-prod-observability-ApiSlow1A2B3C4D-1A2B3C4D5E6F",
    "AlarmDescription": "Alsolike prod: Requests are slow: docs/runbooks/errors.md",
    "EvaluationPeriods": 3,
    "Namespace": "AWS/ApiGateway",
    "MetricName": "Latency",
    "Dimensions": [{"Name": "ApiId", "Value": "shop"}],
    "ExtendedStatistic": "p99",
    "Period": 300,
}


def rule(threshold_ms):
    (group,) = rules([{**SLOW, "Threshold": threshold_ms}], environment="prod")["groups"]
    (found,) = (rule for rule in group["rules"] if rule["alert"] == "AlsolikeObservabilityApiSlow")
    return dict(found)


def test_threshold_below_the_last_bucket_is_compared_with_the_histogram():
    found = rule(2_499)

    assert found["expr"] == (
        'histogram_quantile(0.99, rate(alsolike_api_latency_seconds_bucket{environment="prod"}[5m])) > 2.499'
    )
    assert found["for"] == "10m"


@pytest.mark.parametrize("threshold_ms", [2_500, 3_000, 30_000])
def test_threshold_above_all_buckets_becomes_a_rule_on_the_alarm(threshold_ms):
    found = rule(threshold_ms)

    assert found["expr"] == 'alsolike_alarm_active{alarm="Requests are slow", environment="prod"} == 1'
    assert "for" not in found
