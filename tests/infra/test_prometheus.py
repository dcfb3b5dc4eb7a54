"""Exported metrics, and alert rules for the alarms of the templates, checked by Prometheus' promtool."""

import json
import shutil
import subprocess

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from operations.prometheus.families import FAMILIES, Kind
from operations.prometheus.openmetrics import Sample, exposition, histogram
from operations.prometheus.rules import rules
from tests.builders.openmetrics import read_families

CONDITIONS = {
    "AlsolikeObservabilityApiErrors": (
        '100 * sum without (status) (increase(alsolike_api_errors_total{status="5xx", environment="prod"}[5m]))'
        ' / increase(alsolike_api_requests_total{environment="prod"}[5m]) > 1'
        ' and increase(alsolike_api_requests_total{environment="prod"}[5m]) >= 20'
    ),
    "AlsolikeObservabilityApiSlow": (
        'histogram_quantile(0.99, rate(alsolike_api_latency_seconds_bucket{environment="prod"}[5m])) > 1'
        ' and increase(alsolike_api_requests_total{environment="prod"}[5m]) >= 20'
    ),
    "AlsolikeLakeConsumerLag": 'alsolike_stream_lag_seconds{environment="prod"} > 3600',
    "AlsolikeTrainingMonitoringStale": 'alsolike_champion_age_seconds{environment="prod"} > 2592000',
    "AlsolikeLakeUpkeepFails": (
        'alsolike_alarm_active{alarm="The lake\'s upkeep fails; objects are not merged and nothing expires",'
        ' environment="prod"} == 1'
    ),
}

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@pytest.fixture(scope="module")
def document(prod):
    alarms = [
        {**alarm.properties, "AlarmName": f"{alarm.stack}-{alarm.logical_id}-1A2B3C4D5E6F"}
        for alarm in prod.of_type("AWS::CloudWatch::Alarm")
    ]
    return rules(alarms, environment="prod")


def test_each_alarm_has_a_rule(document, prod):
    (group,) = document["groups"]
    names = [rule["alert"] for rule in group["rules"]]

    assert group["name"] == "alsolike-prod"
    assert len({*names}) == len(names) == len(prod.of_type("AWS::CloudWatch::Alarm")) + 2
    assert {rule["labels"]["severity"] for rule in group["rules"]} == {"critical", "warning"}


def test_rule_conditions_equal_those_of_the_alarms(document):
    conditions = {rule["alert"]: rule["expr"] for rule in document["groups"][0]["rules"]}

    assert {name: conditions[name] for name in CONDITIONS} == CONDITIONS
    on_states = [name for name, condition in conditions.items() if "alsolike_alarm_active" in condition]
    assert len(on_states) < len(conditions) * 2 / 3


def test_rule_duration_equals_the_periods_of_its_alarm(document):
    waits = {rule["alert"]: rule.get("for") for rule in document["groups"][0]["rules"]}

    assert waits["AlsolikeObservabilityApiErrors"] == "5m"
    assert waits["AlsolikeObservabilityApiSlow"] == "10m"
    assert waits["AlsolikeTrainingMonitoringStale"] is None


def test_rules_use_exported_metrics(document):
    samples = {family.sample for family in FAMILIES}

    for rule in document["groups"][0]["rules"]:
        assert any(f"{sample}{{" in rule["expr"] for sample in samples), rule


@promtool
def test_promtool_accepts_the_rules(document, tmp_path):
    (tmp_path / "rules.yml").write_text(json.dumps(document))  # JSON is valid YAML.

    done = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert f"{len(document['groups'][0]['rules'])} rules found" in done.stdout


class Exported(Collector):
    def collect(self):
        text = exposition((family, self._samples(family)) for family in FAMILIES)
        return read_families(text.decode()).values()

    def _samples(self, family):
        if family.kind is Kind.HISTOGRAM:
            yield from histogram([0.1, 1], [1, 2], count=3, total=4)
            return
        for labels in [dict(series.labels) for series in family.series] or [dict.fromkeys(family.labels, "one")]:
            yield Sample(1, labels, "_total" if family.kind is Kind.COUNTER else "")


@promtool
def test_promtool_accepts_the_names_and_units_of_metrics():
    registry = CollectorRegistry()
    registry.register(Exported())

    done = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(registry), capture_output=True, check=False
    )

    assert (done.returncode, done.stderr.decode()) == (0, "")
