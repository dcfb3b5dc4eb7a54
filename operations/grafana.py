"""Generator of Grafana dashboards for Prometheus and CloudWatch from the list of exported metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from operations.prometheus.families import FAMILIES, PREFIX, Family, Kind, Origin, Resource, Series

Document = dict[str, Any]

SCHEMA_VERSION: Final = 39
"""Version of Grafana's dashboard format, as used by Grafana 11."""

_ROWS: Final[Mapping[str, Sequence[Origin]]] = {
    "Traffic and events": [Origin.CLOUDWATCH],
    "Model and data": [Origin.DRIFT],
    "Engagement of yesterday": [Origin.ENGAGEMENT],
    "Deployment": [Origin.COST, Origin.ALARMS],
}
_UNITS: Final = {"seconds": "s", "ratio": "percentunit", "dollars": "currencyUSD"}
_CLOUDWATCH_UNITS: Final = {1e-3: "ms", 3_600: "h"}
_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 7
_QUANTILES: Final = (0.5, 0.95, 0.99)
_SELECTOR: Final = 'environment="$environment", region="$region"'
_STATISTICS: Final = ("p50", "p95", "p99")


def prometheus_dashboard() -> Document:
    source = _data_source("prometheus")
    up = f"{PREFIX}source_up"
    by_function = next(family for family in FAMILIES if dict(family.series[0].labels).get("function"))
    return _dashboard(
        "prometheus",
        variables=[
            _variable("prometheus", "environment", query=f"label_values({up}, environment)"),
            _variable("prometheus", "region", query=f'label_values({up}{{environment="$environment"}}, region)'),
            _every(_variable("prometheus", "function", query=f"label_values({by_function.sample}, function)")),
        ],
        panels=_panels(FAMILIES, lambda family: _prometheus_panel(family, source)),
    )


def cloudwatch_dashboard() -> Document:
    source = _data_source("cloudwatch")
    stored = [family for family in FAMILIES if any(series.source for series in family.series)]
    services = {
        value for family in stored for series in family.series for name, value in series.labels if name == "function"
    }
    return _dashboard(
        "cloudwatch",
        variables=[
            _variable("cloudwatch", "region", queryType="regions"),
            {**_variable("cloudwatch", "environment", queryType="namespaces"), "regex": r"/^Alsolike\/(.+)$/"},
            *(
                _variable(
                    "cloudwatch",
                    name,
                    queryType="dimensionValues",
                    region="$region",
                    namespace=resource.namespace,
                    metricName=metric,
                    dimensionKey=resource.value,
                )
                for name, resource, metric in (
                    ("api", Resource.API, "Count"),
                    ("stream", Resource.STREAM, "IncomingRecords"),
                )
            ),
            _every({"name": "function", "type": "custom", "query": ",".join(sorted(services))}),
        ],
        panels=_panels(stored, lambda family: _cloudwatch_panel(family, source)),
    )


def _dashboard(kind: str, *, variables: Sequence[Document], panels: Sequence[Document]) -> Document:
    data_source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": kind}
    return {
        "uid": f"alsolike-{kind}",
        "title": "Alsolike" if kind == "prometheus" else "Alsolike (CloudWatch)",
        "tags": ["alsolike"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "timezone": "browser",
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [data_source, *variables]},
        "panels": [*panels],
    }


def _data_source(kind: str) -> Document:
    return {"type": kind, "uid": "${datasource}"}


def _variable(kind: str, name: str, **query: str) -> Document:
    return {
        "name": name,
        "type": "query",
        "datasource": _data_source(kind),
        "query": {**query, "refId": name},
        "refresh": 2,
        "sort": 1,
    }


def _every(variable: Document) -> Document:
    selection = {"text": ["All"], "value": ["$__all"]}
    return {**variable, "multi": True, "includeAll": True, "current": selection}


def _panels(families: Sequence[Family], panel: Callable[[Family], Document]) -> list[Document]:
    panels: list[Document] = []
    top = 0
    for title, origins in _ROWS.items():
        shown = [panel(family) for origin in origins for family in families if family.origin is origin]
        if not shown:
            continue
        panels.append(_placed({"type": "row", "title": title, "collapsed": False, "panels": []}, 0, top, 24, 1))
        for index, each in enumerate(shown):
            row, column = divmod(index, _COLUMNS)
            panels.append(_placed(each, column * _WIDTH, top + 1 + row * _HEIGHT, _WIDTH, _HEIGHT))
        top += 1 + math.ceil(len(shown) / _COLUMNS) * _HEIGHT
    return [{"id": number, **each} for number, each in enumerate(panels, 1)]


def _placed(panel: Document, x: int, y: int, w: int, h: int) -> Document:
    return {**panel, "gridPos": {"x": x, "y": y, "w": w, "h": h}}


def _graph(family: Family, source: Document, *, unit: str, targets: Iterator[Document]) -> Document:
    return {
        "type": "timeseries",
        "title": family.about.rstrip("."),
        "datasource": source,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {**target, "datasource": source, "refId": chr(ord("A") + index)} for index, target in enumerate(targets)
        ],
    }


def _prometheus_panel(family: Family, source: Document) -> Document:
    unit = "cps" if family.kind is Kind.COUNTER else _UNITS.get(family.unit, "none")
    return _graph(family, source, unit=unit, targets=_prometheus_targets(family))


def _prometheus_targets(family: Family) -> Iterator[Document]:
    labels = [*family.labels, *dict.fromkeys(name for series in family.series for name, _ in series.labels)]
    selector = f'{_SELECTOR}, function=~"$function"' if "function" in labels else _SELECTOR
    samples = f"{family.sample}{{{selector}}}"
    legend = " ".join(f"{{{{{name}}}}}" for name in labels) or family.name.removeprefix(PREFIX)
    match family.kind:
        case Kind.HISTOGRAM:
            for quantile in _QUANTILES:
                rate = f"sum by (le) (rate({samples}[$__rate_interval]))"
                yield {
                    "expr": f"histogram_quantile({quantile:g}, {rate})",
                    "legendFormat": f"p{round(quantile * 100)}",
                }
        case Kind.COUNTER:
            by = f"sum by ({', '.join(labels)})" if labels else "sum"
            yield {"expr": f"{by} (rate({samples}[$__rate_interval]))", "legendFormat": legend}
        case Kind.GAUGE:
            yield {"expr": samples, "legendFormat": legend}


def _cloudwatch_panel(family: Family, source: Document) -> Document:
    unit = _CLOUDWATCH_UNITS.get(family.scale) or _UNITS.get(family.unit, "none")
    targets = (
        _cloudwatch_target(series, statistic)
        for series in _by_function(family.series)
        for statistic in (_STATISTICS if family.kind is Kind.HISTOGRAM else [None])
    )
    return _graph(family, source, unit=unit, targets=targets)


def _by_function(series: Sequence[Series]) -> Iterator[Series]:
    """Yield one series per set of labels. The label `function` is ignored, because a dashboard variable selects it."""
    seen = set()
    for each in series:
        labels = tuple(label for label in each.labels if label[0] != "function")
        if labels not in seen:
            seen.add(labels)
            yield each


def _cloudwatch_target(series: Series, statistic: str | None) -> Document:
    assert series.source is not None
    source, labels = series.source, dict(series.labels)
    dimensions = dict(source.dimensions)
    if "function" in labels:
        dimensions["service"] = "$function"
    if source.resource is not None:
        dimensions[source.resource.value] = {Resource.API: "$api", Resource.STREAM: "$stream"}[source.resource]
    label = statistic or ("${PROP('Dim.service')}" if "function" in labels else " ".join(labels.values()))
    return {
        "queryMode": "Metrics",
        "metricQueryType": 0,
        "metricEditorMode": 0,
        "region": "$region",
        "namespace": "Alsolike/$environment" if source.resource is None else source.resource.namespace,
        "metricName": source.metric,
        "dimensions": dimensions,
        "matchExact": True,
        "statistic": statistic or source.statistic,
        "period": "",
        "label": label,
        "id": "",
        "expression": "",
    }
