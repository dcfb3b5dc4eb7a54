"""Generated Grafana dashboards."""

import json

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.cloudwatch import CloudWatchMetricsQuery
from grafana_foundation_sdk.models.dashboard import Dashboard
from grafana_foundation_sdk.models.prometheus import Dataquery

from operations.grafana import cloudwatch_dashboard, prometheus_dashboard
from operations.prometheus.families import FAMILIES

register_default_plugins()

DASHBOARDS = [prometheus_dashboard, cloudwatch_dashboard]


def graphs(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] == "timeseries"]


def holds(typed, given):
    """Return true if `typed` has all fields of `given`. Grafana's types add defaults and drop unknown fields."""
    if isinstance(given, dict):
        return isinstance(typed, dict) and all(key in typed and holds(typed[key], given[key]) for key in given)
    if isinstance(given, list):
        return len(typed) == len(given) and all(map(holds, typed, given))
    return bool(typed == given)


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_grafana_types_have_every_dashboard_field(dashboard):
    given = dashboard()

    typed = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))

    for name in given:
        assert holds(typed[name], given[name]), name


@pytest.mark.parametrize(
    ("dashboard", "query"), [(prometheus_dashboard, Dataquery), (cloudwatch_dashboard, CloudWatchMetricsQuery)]
)
def test_grafana_types_have_every_query_field(dashboard, query):
    for panel in graphs(dashboard()):
        assert panel["targets"], panel
        for target in panel["targets"]:
            assert holds(json.loads(JSONEncoder().encode(query.from_json(target))), target)


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_panels_do_not_overlap(dashboard):
    cells = [
        (x, y)
        for panel in dashboard()["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len({*cells})
    assert max(x for x, _ in cells) < 24


def test_prometheus_has_a_graph_of_every_family():
    shown = graphs(prometheus_dashboard())
    expressions = [target["expr"] for panel in shown for target in panel["targets"]]

    for family in FAMILIES:
        if family.name != "alsolike_source_up":  # The variables of dashboards use this family.
            assert any(f"{family.sample}{{" in expression for expression in expressions), family.name
    assert {panel["fieldConfig"]["defaults"]["unit"] for panel in shown} == {
        "cps", "s", "percentunit", "currencyUSD", "none",
    }  # fmt: skip


def test_cloudwatch_has_a_query_of_every_metric():
    targets = [target for panel in graphs(cloudwatch_dashboard()) for target in panel["targets"]]

    assert {target["metricName"] for target in targets} == {
        series.source.metric for family in FAMILIES for series in family.series if series.source is not None
    }
    (quarantined,) = (target for target in targets if target["metricName"] == "RecordsQuarantined")
    assert (quarantined["namespace"], quarantined["dimensions"]) == ("Alsolike/$environment", {"service": "$function"})
    latency = [target for target in targets if target["metricName"] == "Latency"]
    assert [target["statistic"] for target in latency] == ["p50", "p95", "p99"]
    assert {(target["region"], *target["dimensions"].items()) for target in latency} == {("$region", ("ApiId", "$api"))}
