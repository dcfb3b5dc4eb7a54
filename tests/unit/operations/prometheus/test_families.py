"""List of exported metrics."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.metric_writers import METRICS
from operations.prometheus.families import FAMILIES, Family, Kind, Origin, metrics_read
from operations.prometheus.openmetrics import Sample, exposition, histogram
from operations.prometheus.rules import rules
from tests.builders.openmetrics import read_families


def test_exported_metric_is_written_by_its_function():
    written = {(each.metric, each.service, each.dimensions) for each in METRICS}
    read = {
        (source.metric, dict(source.dimensions)["service"], tuple(sorted(dict(source.dimensions))))
        for family in FAMILIES
        for series in family.series
        if (source := series.source) is not None and source.resource is None
    }

    assert read <= written
    assert len(read) > 10


def test_names_are_distinct_and_have_no_suffix_of_samples():
    assert [family.name for family in FAMILIES if family.name.endswith(("_total", "_count", "_sum", "_bucket"))] == []
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_number_of_read_metrics_is_that_of_all_statistics():
    counters = sum(
        len(family.series) for family in FAMILIES if family.origin is Origin.CLOUDWATCH and family.kind is Kind.COUNTER
    )

    assert metrics_read(kafka=True) == counters + 1 + (6 + 2)  # The other metrics are the lag and the histogram.
    assert metrics_read(kafka=False) == metrics_read(kafka=True) - 2


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z][a-z0-9]{0,8}){0,2}_x", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20)
ABOUTS = TEXTS.filter(lambda text: not text.startswith(" "))
"""Help texts. Readers skip all spaces between the name and the text."""
VALUES = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)


@given(name=NAMES, about=ABOUTS, samples=st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5))
def test_gauges_are_unchanged_after_write_and_read(name, about, samples):
    family = Family(name=name, kind=Kind.GAUGE, about=about)

    text = exposition([(family, [Sample(value, {"label": label}) for label, value in samples.items()])])

    (read,) = read_families(text.decode()).values()
    assert (read.name, read.type, read.documentation) == (name, "gauge", about)
    assert {sample.labels["label"]: sample.value for sample in read.samples} == samples


@given(counts=st.lists(st.integers(0, 10**9), min_size=3, max_size=3), total=st.floats(0, 1e12))
def test_histograms_are_valid(counts, total):
    family = Family(name="wait_seconds", kind=Kind.HISTOGRAM, about="Wait.")
    cumulative = [sum(counts[:1]), sum(counts[:2])]

    text = exposition([(family, histogram([0.1, 2.5], cumulative, count=sum(counts), total=total))])

    (read,) = read_families(text.decode()).values()
    assert (read.type, read.unit) == ("histogram", "seconds")
    assert [sample.value for sample in read.samples] == [*cumulative, sum(counts), sum(counts), total]


def test_family_without_samples_is_omitted():
    family = Family(name="lag_seconds", kind=Kind.GAUGE, about="Lag.")

    assert exposition([(family, [])]) == b"# EOF\n"
    assert exposition([(family, [Sample(math.nan)]), (dataclasses.replace(family, name="x"), [])]) == (
        b"# TYPE lag_seconds gauge\n# UNIT lag_seconds seconds\n# HELP lag_seconds Lag.\nlag_seconds NaN\n# EOF\n"
    )


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
